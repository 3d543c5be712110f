import { join } from 'node:path'
import { Shutdown } from '../../gateway/shutdown.ts'
import { type ClickHouseServer, clickHousePassword, startClickHouse } from './clickhouse-server.ts'
import { type Lab, startLab } from './lab.ts'
import { connect, startMachine } from './machine.ts'
import { startNameServer } from './name-server.ts'
import { run } from './program.ts'

/** A ClickHouse server on a machine of its own, and a gateway that reaches it over the network. */
export interface ClickHouseLab extends AsyncDisposable {
  readonly lab: Lab
  /** On its usual ports: 9000 and 9440, 8123 and 8443. The user of the gateway is `app`. */
  readonly server: ClickHouseServer
}

/** What `metrics.example.test` leads to, and PEM roots of its certificate. */
export interface ClickHousePlace {
  readonly address: string
  readonly caFile: string
}

/** Starts server, name server and gateway; the credential `app` has the server's password. */
export async function startClickHouseLab(
  program: string,
  policy: (place: ClickHousePlace) => string,
): Promise<ClickHouseLab> {
  const troubles: string[] = []
  const opened = new Shutdown({ stepMs: 20_000, onTrouble: (step, error) => troubles.push(`${step}: ${error}`) })
  const close = async () => {
    await opened.run()
    if (troubles.length > 0) throw new Error(troubles.join('\n'))
  }
  try {
    // other test files run at the same time
    const net = `10.204.${process.pid % 256}`
    const address = `${net}.2`
    const name = 'metrics.example.test'
    const machine = opened.use('machine', await startMachine())
    await connect(
      {
        machine: { pid: process.pid, run: ([command = '', ...words]) => run(command, words) },
        name: `cpch${process.pid}`,
        addresses: [`${net}.1/24`],
      },
      { machine, name: 'eth0', addresses: [`${address}/24`] },
    )
    const names = opened.use('names', await startNameServer({ [name]: [[address]] }))
    const lab = await startLab({
      names: [name],
      policy: ({ dir }) => policy({ address, caFile: join(dir, 'test-ca.pem') }),
      secrets: { app: clickHousePassword },
      gatewayLines: [`resolver = "127.0.0.1:${names.port}"`],
    })
    opened.use('lab', lab)
    const server = await startClickHouse(program, {
      addresses: [address],
      ports: { native: 9000, nativeTls: 9440, http: 8123, https: 8443 },
      networkOf: machine.pid,
      certificate: { cert: lab.authority.certFile, key: lab.authority.keyFile },
    })
    opened.use('server', server)
    return { lab, server, [Symbol.asyncDispose]: close }
  } catch (error) {
    await opened.run()
    throw error
  }
}
