import type { Duplex } from 'node:stream'
import { ClawError } from '../../../workers/contract/errors.ts'
import type { Address } from '../../../workers/contract/ids.ts'
import { ControlChannel, ControlRefusal, openAgain } from './control-channel.ts'
import { checkControlSocket, controlSocket, notInstalled } from './control-socket.ts'
import { approveExtension, explainRefusal } from './explain-refusal.ts'
import { protocolVersion, type Reply, type TunnelSettings, type TunnelStatus } from './protocol.ts'

/** Which app to talk to, and for how long. */
export interface ExtensionOptions {
  /** Path of the control socket; that of this user when left out. */
  readonly path?: string
  /** Ends what is being asked. */
  readonly signal?: AbortSignal
  /** Bounds, ms; longer ones are for what talks to the network. */
  readonly deadlines?: Partial<Deadlines>
}

/** How long the app may take, ms. */
export interface Deadlines {
  readonly hello: number
  /** A WireGuard tunnel; a registration; what else needs no network. */
  readonly local: number
  /** A node that joins its tailnet. */
  readonly join: number
}

const usual: Deadlines = { hello: 2000, local: 5000, join: 90_000 }

/** Clawpatrol.app on this Mac, over one connection. What it does for us ends with the connection. */
export interface Extension {
  /** @throws ClawError saying what keeps the tunnel away and what helps */
  start(settings: TunnelSettings): Promise<ExtensionTunnel>
  /** All tunnels of this user. */
  status(): Promise<readonly TunnelStatus[]>
  /** Ends all tunnels of this user and forgets what was kept for them. */
  wipe(): Promise<void>
  /** Resolves when the app is gone although nobody closed this. */
  readonly lost: Promise<void>
  close(): void
}

/** A tunnel of one run, at the extension. */
export interface ExtensionTunnel {
  readonly address4: string
  readonly address6: string | null
  /**
   * Has all flows of a child of this process, and of what descends from it, go into the tunnel from now on.
   * @throws ClawError when that is not certain: the child must then not go on
   */
  register(pid: number): Promise<Registration>
  /** Connects to an address through the tunnel, for this process itself. */
  connect(to: Address, timeoutMs: number): Promise<Duplex>
  /** Ends it. What is still registered has no network from then on. */
  stop(): Promise<void>
}

/** A process tree that is captured. */
export interface Registration {
  /** Says that the process has ended; what it left running has no network from then on. */
  release(): Promise<void>
}

/** Finds Clawpatrol.app and agrees with it. @throws ClawError CP_CAPTURE saying what is missing and what helps */
export async function connectExtension(options: ExtensionOptions = {}): Promise<Extension> {
  const path = options.path ?? controlSocket()
  const deadlines = { ...usual, ...options.deadlines }
  const channel = await openChannel(path, deadlines, options.signal)
  const patience = (timeoutMs: number) => ({
    timeoutMs,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  return {
    lost: channel.lost,
    async start(settings) {
      const timeoutMs = settings.kind === 'tailnet' ? deadlines.join : deadlines.local
      const started = await explained(`start a ${settings.kind} tunnel`, settings, () =>
        channel.ask({ kind: 'start', tunnel: settings }, 'started', patience(timeoutMs)),
      )
      return tunnelOf(started, { channel, path, deadlines })
    },
    async status() {
      const { tunnels } = await explained('ask for its tunnels', null, () =>
        channel.ask({ kind: 'status' }, 'state', patience(deadlines.local)),
      )
      return tunnels
    },
    async wipe() {
      await explained('wipe its state', null, () => channel.ask({ kind: 'wipe' }, 'wiped', patience(deadlines.local)))
    },
    close: () => channel.close(),
  }
}

interface Connected {
  readonly channel: ControlChannel
  readonly path: string
  readonly deadlines: Deadlines
}

function tunnelOf(
  { tunnel, address4, address6 }: Extract<Reply, { readonly kind: 'started' }>,
  { channel, path, deadlines }: Connected,
): ExtensionTunnel {
  const local = { timeoutMs: deadlines.local }
  return {
    address4,
    address6,
    async register(pid) {
      const { startedUs } = await explained('capture the command', null, () =>
        channel.ask({ kind: 'register', tunnel, pid }, 'registered', local),
      )
      return {
        async release() {
          await explained('release the command', null, () =>
            channel.ask({ kind: 'unregister', tunnel, pid, startedUs }, 'unregistered', local),
          )
        },
      }
    },
    async connect({ host, port }, timeoutMs) {
      // of its own: after the reply it carries what is said there
      const way = await openChannel(path, deadlines)
      try {
        const ask = { kind: 'dial', tunnel, host, port, timeoutMs } as const
        // the app's own deadline first: it says what it found
        const patience = { timeoutMs: timeoutMs + deadlines.local }
        await explained(`reach ${host} through the tunnel`, null, () => way.ask(ask, 'dialed', patience))
        return way.release()
      } catch (error) {
        way.close()
        throw error
      }
    },
    async stop() {
      await explained('stop the tunnel', null, () => channel.ask({ kind: 'stop', tunnel }, 'stopped', local))
    },
  }
}

async function openChannel(path: string, { hello }: Deadlines, signal?: AbortSignal): Promise<ControlChannel> {
  checkControlSocket(path)
  const channel = new ControlChannel(path)
  try {
    const welcome = await channel.ask({ kind: 'hello', protocol: protocolVersion, client: 'clawpatrol' }, 'welcome', {
      timeoutMs: hello,
      ...(signal === undefined ? {} : { signal }),
    })
    checkWelcome(welcome)
    return channel
  } catch (error) {
    channel.close()
    if (error instanceof ControlRefusal) throw explainRefusal(error, 'talk to Clawpatrol.app')
    throw error instanceof ClawError ? error : notThere(path, error)
  }
}

function checkWelcome({ protocol, app, extension }: Extract<Reply, { readonly kind: 'welcome' }>): void {
  if (protocol !== protocolVersion)
    throw new ClawError(
      'CP_CAPTURE',
      `Cannot talk to Clawpatrol.app ${app}: it speaks version ${protocol} of the protocol, clawpatrol ${protocolVersion}`,
      { hint: protocol < protocolVersion ? 'update Clawpatrol.app' : 'update clawpatrol' },
    )
  if (extension === 'unapproved')
    throw new ClawError('CP_CAPTURE', "Cannot capture a command: nobody has allowed Clawpatrol.app's extension yet", {
      hint: approveExtension,
    })
  if (extension === 'absent')
    throw new ClawError('CP_CAPTURE', "Cannot capture a command: Clawpatrol.app's extension is not installed", {
      hint: approveExtension,
    })
}

function notThere(path: string, error: unknown): ClawError {
  const { code = 'unknown error' } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return notInstalled(path)
  const [why, hint] = code === 'ECONNREFUSED' ? ['it does not run', 'open Clawpatrol.app'] : [code, openAgain]
  return new ClawError('CP_CAPTURE', `Cannot talk to Clawpatrol.app: ${why}`, { cause: error, hint })
}

async function explained<T>(action: string, settings: TunnelSettings | null, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    throw explainRefusal(error, action, settings)
  }
}
