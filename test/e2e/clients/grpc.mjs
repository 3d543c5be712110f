// A real gRPC client: one unary call with raw messages; prints the answer or the status it failed with.

import { readFileSync } from 'node:fs'
import { Client, credentials, Metadata } from '@grpc/grpc-js'

const [address, method, text] = process.argv.slice(2)
const roots = readFileSync(process.env.SSL_CERT_FILE)
const client = new Client(address, credentials.createSsl(roots))
const metadata = new Metadata()
metadata.set('authorization', `Bearer ${process.env.AGENT_TOKEN ?? ''}`)
const raw = (value) => value
client.makeUnaryRequest(method, raw, raw, Buffer.from(text), metadata, {}, (error, answer) => {
  if (error) process.stdout.write(`failed ${error.code} ${error.details}\n`)
  else process.stdout.write(`answered ${answer.toString()}\n`)
  client.close()
})
