import { describe, expect, it } from 'vitest'
import { defaultMasks } from './masks.ts'

const none = (): readonly string[] => []

describe('defaultMasks()', () => {
  it('names what starts processes outside, of the system and of the user', () => {
    expect(defaultMasks({ uid: 1000 }, none)).toEqual(
      expect.arrayContaining([
        '/run/docker.sock',
        '/var/run/docker.sock',
        '/run/dbus/system_bus_socket',
        '/run/tailscale',
        '/run/user/1000/bus',
        '/run/user/1000/systemd/private',
      ]),
    )
  })

  it('names the sockets of an unusual runtime directory too', () => {
    expect(defaultMasks({ uid: 1000, runtimeDir: '/tmp/rt/' }, none)).toEqual(
      expect.arrayContaining(['/tmp/rt/bus', '/run/user/1000/bus']),
    )
  })

  it('names the terminals and editors that are open', () => {
    const names: Readonly<Record<string, readonly string[]>> = {
      '/tmp/tmux-1000': ['default', 'work'],
      '/run/user/1000': ['vscode-ipc-1.sock', 'pipewire-0'],
    }
    const masks = defaultMasks({ uid: 1000 }, (dir) => names[dir] ?? [])
    const shown = ['/tmp/tmux-1000/default', '/tmp/tmux-1000/work', '/run/user/1000/vscode-ipc-1.sock']
    expect(masks).toEqual(expect.arrayContaining(shown))
    expect(masks).not.toContain('/run/user/1000/pipewire-0')
  })

  it('names screens, editors and window managers that run what they are told', () => {
    const names: Readonly<Record<string, readonly string[]>> = {
      '/run/screen': ['S-me'],
      '/run/screen/S-me': ['41.pts-0.host'],
      '/run/user/1000': ['nvim.77.0', 'sway-ipc.1000.5.sock', 'wayland-0'],
      '/run/user/1000/tmux-1000': ['default'],
      '/run/user/1000/i3': ['ipc-socket.9'],
      '/run/user/1000/wezterm': ['sock'],
    }
    const masks = defaultMasks({ uid: 1000 }, (dir) => names[dir] ?? [])
    expect(masks).toEqual(
      expect.arrayContaining([
        '/run/screen/S-me/41.pts-0.host',
        '/run/user/1000/nvim.77.0',
        '/run/user/1000/sway-ipc.1000.5.sock',
        '/run/user/1000/tmux-1000/default',
        '/run/user/1000/i3/ipc-socket.9',
        '/run/user/1000/wezterm/sock',
      ]),
    )
    expect(masks).not.toContain('/run/user/1000/wayland-0')
  })

  it('leaves an allowed group open and only that one', () => {
    const masks = defaultMasks({ uid: 1000, allow: ['containers'] }, none)
    expect(masks.filter((path) => path.includes('docker'))).toEqual([])
    expect(masks).toContain('/run/user/1000/bus')
  })
})
