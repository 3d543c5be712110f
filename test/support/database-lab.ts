import { Shutdown } from '../../gateway/shutdown.ts'
import { type Lab, startLab } from './lab.ts'
import { connect, type Machine, startMachine } from './machine.ts'
import { startNameServer } from './name-server.ts'
import { type PostgresServer, startPostgres } from './postgres-server.ts'
import { run } from './program.ts'

/** Addresses of the machine with the servers: each server listens on all of them. */
export interface ServerAddresses {
  /** What `orders-db`, `ledger-db` and `reports-db` below `example.test` lead to. */
  readonly named: string
  readonly literal: string
  /** No endpoint has to do with it. */
  readonly undeclared: string
}

/** Two PostgreSQL servers on a machine of their own, and a gateway that reaches them over the network. */
export interface DatabaseLab extends AsyncDisposable {
  readonly lab: Lab
  readonly addresses: ServerAddresses
  /** On port 5432, with the table `orders`, ids 1 to 3. */
  readonly orders: PostgresServer
  /** On port 6432, with the table `entries`, id 7. */
  readonly ledger: PostgresServer
}

/** Role the gateway logs in with, and its password. */
export const role = { user: 'app', password: 'db-secret-91c4e0aa' } as const

const schema = (table: string, rows: string) => `
create role ${role.user} login password '${role.password}';
create role reader login password '${role.password}';
create table ${table} (id int primary key, note text default '');
insert into ${table} values ${rows};
grant select, insert, update, delete on ${table} to ${role.user}, reader;
`

/** What may differ between labs. */
export interface DatabaseLabOptions {
  /** More secrets, by credential. */
  readonly secrets?: { readonly [credential: string]: string }
  /** More settings of the servers, as `log_statement=all`. */
  readonly settings?: readonly string[]
}

/** Starts servers, name server and gateway; the first device has the profile `default`. */
export async function startDatabaseLab(
  programs: string,
  policy: (addresses: ServerAddresses) => string,
  { secrets = {}, settings = [] }: DatabaseLabOptions = {},
): Promise<DatabaseLab> {
  const troubles: string[] = []
  const opened = new Shutdown({ stepMs: 20_000, onTrouble: (step, error) => troubles.push(`${step}: ${error}`) })
  const close = async () => {
    await opened.run()
    if (troubles.length > 0) throw new Error(troubles.join('\n'))
  }
  try {
    // other test files run at the same time
    const net = `10.203.${process.pid % 256}`
    const addresses = { named: `${net}.2`, literal: `${net}.3`, undeclared: `${net}.4` }
    const machine = opened.use('machine', await startMachine())
    await connect(
      { machine: thisHost, name: `cpdb${process.pid}`, addresses: [`${net}.1/24`] },
      { machine, name: 'eth0', addresses: Object.values(addresses).map((address) => `${address}/24`) },
    )
    const start = (port: number, table: string, rows: string) => {
      const server = startPostgres(programs, {
        addresses: Object.values(addresses),
        port,
        networkOf: machine.pid,
        settings,
      })
      opened.defer(`server on ${port}`, () => server[Symbol.dispose]())
      server.query(schema(table, rows))
      return server
    }
    const orders = start(5432, 'orders', '(1), (2), (3)')
    const ledger = start(6432, 'entries', '(7)')
    const names = opened.use('names', await startNameServer(namesOf(addresses)))
    const lab = opened.use(
      'lab',
      await startLab({
        names: ['orders-db.example.test'],
        policy: () => policy(addresses),
        secrets: { 'app-role': role.password, 'reader-role': role.password, ...secrets },
        gatewayLines: [`resolver = "127.0.0.1:${names.port}"`, `relay_allow = ["${addresses.undeclared}/32"]`],
      }),
    )
    return { lab, addresses, orders, ledger, [Symbol.asyncDispose]: close }
  } catch (error) {
    await opened.run()
    throw error
  }
}

const thisHost: Pick<Machine, 'pid' | 'run'> = {
  pid: process.pid,
  run: ([command = '', ...words]) => run(command, words),
}

function namesOf({ named }: ServerAddresses): Parameters<typeof startNameServer>[0] {
  return {
    'orders-db.example.test': [[named]],
    'ledger-db.example.test': [[named]],
    'reports-db.example.test': [[named]],
    // whoever owns it would like to reach the gateway itself
    'inside-db.example.test': [['127.0.0.1']],
  }
}
