import { spawnSync } from 'node:child_process'
import { helperPath } from 'tsnet-bindings'
import { describe, expect, it } from 'vitest'
import { captureProblems, explainProbe } from './prerequisites.ts'

const facts = { isRoot: false, unprivilegedUsernsClone: '0', apparmorRestrictsUserns: null, maxUserNamespaces: '0' }

describe('captureProblems()', () => {
  it('finds nothing where runs work', async () => {
    expect(await captureProblems()).toEqual([])
  })
})

describe('the helper, asked what is refused', () => {
  it('tries everything, so that one refusal does not hide the next', () => {
    const setup =
      'echo 0 > /proc/sys/user/max_user_namespaces; mount -t tmpfs tmpfs /dev/net; exec setpriv --inh-caps=-all --bounding-set=-all "$1" --probe'
    const { stdout, status } = spawnSync('unshare', ['-Urm', 'sh', '-c', setup, 'sh', helperPath()], {
      encoding: 'utf8',
    })
    expect(stdout).toBe('E user-namespace 28 \nE tun-open 2 /dev/net/tun\n')
    expect(status).toBe(1)
  })
})

describe('explainProbe()', () => {
  it('names every refusal at once, each with its fix, and none twice', () => {
    const output = 'E user-namespace 1 \nE tun-open 13 /dev/net/tun\nE user-namespace 1 \nW proc-mount 1 /proc\n'
    expect(explainProbe(output, facts, '/opt/netns').map((problem) => problem.fix)).toEqual([
      'sudo sysctl -w kernel.unprivileged_userns_clone=1',
      'sudo chmod 0666 /dev/net/tun',
    ])
  })
})
