// The demo agent as a program: `clawpatrol run -- node run-agent.js`.
import { demoAgent } from './agent.ts'

process.exitCode = await demoAgent()
