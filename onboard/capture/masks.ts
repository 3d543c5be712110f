import { readdirSync } from 'node:fs'

/** A way out of the capture that an operator may leave open. */
export type Opening = 'containers' | 'services' | 'sessions' | 'tailscale'

/** Whose sockets are masked, and which groups of them stay reachable. */
export interface MaskOptions {
  readonly uid: number
  /** `$XDG_RUNTIME_DIR`, when it is not the usual one. */
  readonly runtimeDir?: string
  readonly allow?: readonly Opening[]
}

/** Names in a directory; none when it cannot be read. */
export type ListNames = (dir: string) => readonly string[]

/**
 * Sockets through which a process starts another one outside of its namespaces, and so outside of the tunnel:
 * `docker run --net=host`, `systemd-run --user`, `tmux new-window` and their like.
 */
export function defaultMasks(options: MaskOptions, list: ListNames = listNames): string[] {
  const usual = `/run/user/${options.uid}`
  const runtime = options.runtimeDir?.startsWith('/') ? options.runtimeDir.replace(/\/+$/, '') : usual
  const groups: Readonly<Record<Opening, readonly string[]>> = {
    containers: [...CONTAINERS, ...below([usual, runtime], CONTAINERS_OF_USER)],
    services: [...SERVICES, ...below([usual, runtime], SERVICES_OF_USER)],
    sessions: [...new Set([usual, runtime])].flatMap((dir) => sessionSockets(options.uid, dir, list)),
    tailscale: ['/run/tailscale', '/var/run/tailscale', '/var/lib/tailscale'],
  }
  const masks = Object.entries(groups).flatMap(([opening, paths]) =>
    options.allow?.includes(opening as Opening) ? [] : paths,
  )
  return [...new Set(masks)]
}

// /var/run is named apart for systems where it is no link to /run
const CONTAINERS = [
  '/run/docker.sock',
  '/var/run/docker.sock',
  '/run/containerd/containerd.sock',
  '/run/podman/podman.sock',
  '/run/crio/crio.sock',
  '/run/libvirt/libvirt-sock',
  '/run/lxd.socket',
  '/run/incus/unix.socket',
  '/var/lib/lxd/unix.socket',
  '/var/lib/incus/unix.socket',
  '/var/snap/lxd/common/lxd/unix.socket',
]
const CONTAINERS_OF_USER = ['docker.sock', 'podman/podman.sock', 'containerd-rootless/api.sock']

const SERVICES = [
  '/run/dbus/system_bus_socket',
  '/var/run/dbus/system_bus_socket',
  '/run/systemd/private',
  '/run/systemd/io.systemd.Manager',
  '/run/snapd.socket',
]
const SERVICES_OF_USER = ['bus', 'systemd/private', 'systemd/io.systemd.Manager']

function below(dirs: readonly string[], names: readonly string[]): string[] {
  return dirs.flatMap((dir) => names.map((name) => `${dir}/${name}`))
}

// only the sockets that are there: a multiplexer started inside can make new ones beside them
function sessionSockets(uid: number, runtime: string, list: ListNames): string[] {
  const screens = list('/run/screen').map((name) => `/run/screen/${name}`)
  const dirs = [`/tmp/tmux-${uid}`, `/tmp/emacs${uid}`, `/tmp/zellij-${uid}`, ...screens]
  const ours = ['emacs', 'zellij', 'wezterm', 'i3', `tmux-${uid}`].map((name) => `${runtime}/${name}`)
  const single = list(runtime).filter((name) => /^(vscode-.*\.sock|nvim\.\d+\.\d+|sway-ipc\..*\.sock)$/.test(name))
  return [...[...dirs, ...ours].flatMap((dir) => below([dir], list(dir))), ...below([runtime], single)]
}

function listNames(dir: string): readonly string[] {
  try {
    return readdirSync(dir)
  } catch {
    // what we cannot list is no session of ours
    return []
  }
}
