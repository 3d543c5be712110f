/** A way out of the capture that an operator may leave open. */
export type Opening = 'containers' | 'desktop' | 'system' | 'tailscale'

/** Whose sockets are masked, and which groups of them stay reachable. */
export interface MaskOptions {
  readonly uid: number
  /** `$XDG_RUNTIME_DIR`, when it is not the usual one. */
  readonly runtimeDir?: string
  readonly allow?: readonly Opening[]
}

/**
 * Sockets through which a process starts another one outside of its namespaces, and so outside of the tunnel:
 * `docker run --net=host`, `systemd-run --user` and their like.
 */
export function defaultMasks(options: MaskOptions): string[] {
  const allowed = new Set(options.allow ?? [])
  const homes = new Set([`/run/user/${options.uid}`])
  if (options.runtimeDir?.startsWith('/')) homes.add(options.runtimeDir.replace(/\/+$/, ''))
  const masks: string[] = []
  for (const [opening, sockets] of Object.entries(SYSTEM)) {
    if (!allowed.has(opening as Opening)) masks.push(...sockets)
  }
  for (const home of homes) {
    for (const [opening, sockets] of Object.entries(PER_USER)) {
      if (!allowed.has(opening as Opening)) masks.push(...sockets.map((socket) => `${home}/${socket}`))
    }
  }
  return masks
}

// /var/run is named apart for systems where it is no link to /run
const SYSTEM: Readonly<Record<Opening, readonly string[]>> = {
  containers: [
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
  ],
  desktop: [],
  system: [
    '/run/dbus/system_bus_socket',
    '/var/run/dbus/system_bus_socket',
    '/run/systemd/private',
    '/run/systemd/io.systemd.Manager',
    '/run/snapd.socket',
  ],
  tailscale: ['/run/tailscale', '/var/run/tailscale', '/var/lib/tailscale'],
}

const PER_USER: Readonly<Record<Opening, readonly string[]>> = {
  containers: ['docker.sock', 'podman/podman.sock', 'containerd-rootless/api.sock'],
  desktop: ['bus', 'systemd/private', 'systemd/io.systemd.Manager'],
  system: [],
  tailscale: [],
}
