import { describe, expect, it } from 'vitest'
import { lockDns } from './dns-lockdown.ts'

function reading(files: Readonly<Record<string, string>>): (path: string) => Promise<string | null> {
  return async (path) => files[path] ?? null
}

describe('lockDns()', () => {
  it('replaces resolv.conf, nsswitch.conf and hosts', async () => {
    const read = reading({ '/etc/nsswitch.conf': 'hosts: resolve\n', '/etc/hosts': '10.0.0.1 printer\n' })
    expect((await lockDns(['10.99.0.1', 'fd63::1'], 'laptop', read)).files).toEqual([
      { path: '/etc/resolv.conf', contents: 'nameserver 10.99.0.1\nnameserver fd63::1\n' },
      { path: '/etc/nsswitch.conf', contents: 'hosts:      files dns\n' },
      {
        path: '/etc/hosts',
        contents: '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 laptop\n',
      },
    ])
  })

  it('replaces only resolv.conf where the others do not exist', async () => {
    const { files } = await lockDns(['10.99.0.1'], 'laptop', reading({}))
    expect(files.map((file) => file.path)).toEqual(['/etc/resolv.conf'])
  })

  it('masks the daemons that answer for the C library', async () => {
    const { mask } = await lockDns(['10.99.0.1'], 'laptop', reading({}))
    expect(mask).toEqual(expect.arrayContaining(['/run/systemd/resolve/io.systemd.Resolve', '/run/nscd']))
  })

  it('leaves a host name out that could add lines', async () => {
    const { files } = await lockDns(['10.99.0.1'], 'a\n6.6.6.6 b', reading({ '/etc/hosts': '' }))
    expect(files[1]?.contents).toBe('127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n')
  })

  it.each([[[]], [['gateway.internal']], [['10.0.0.1\noptions use-vc']]])('refuses the servers %j', async (servers) => {
    await expect(lockDns(servers, 'laptop', reading({}))).rejects.toThrow('is no IP address')
  })

  it('refuses a file that exists and cannot be read', async () => {
    const broken = (): Promise<string | null> => Promise.reject(new Error('EIO'))
    await expect(lockDns(['10.99.0.1'], 'laptop', broken)).rejects.toThrow('EIO')
  })
})
