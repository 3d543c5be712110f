import { constants } from 'node:os'
import { describe, expect, it } from 'vitest'
import { explainFailure } from './explain-failure.ts'
import type { HostFacts } from './host-facts.ts'

const { EPERM, EACCES, ENOENT, ENOSPC, EBUSY } = constants.errno
const plain: HostFacts = {
  isRoot: false,
  unprivilegedUsernsClone: null,
  apparmorRestrictsUserns: null,
  maxUserNamespaces: '15000',
}

function explained(stage: string, errno: number, path = '', facts: Partial<HostFacts> = {}): string {
  const { message, fix } = explainFailure({ stage, errno, path }, { ...plain, ...facts }, '/opt/netns')
  return `${message}\n${fix}`
}

describe('explainFailure()', () => {
  it('names only commands that exist', () => {
    expect(explained('poll', EBUSY)).toContain('report it with what clawpatrol version and uname -a print')
  })

  it.each([
    ['tun-open', ENOENT, 'sudo modprobe tun'],
    ['tun-open', EACCES, 'sudo chmod 0666 /dev/net/tun'],
    ['tun-open', EPERM, 'start the container with --device /dev/net/tun'],
    ['user-namespace', ENOSPC, 'sudo sysctl -w user.max_user_namespaces=15000'],
    ['network-namespace', ENOSPC, 'sudo sysctl -w user.max_net_namespaces=15000'],
    ['namespaces', EPERM, 'allow it in the container: --cap-add SYS_ADMIN --security-opt seccomp=unconfined'],
    ['cwd', ENOENT, 'cd to a directory that the command may enter and see'],
  ])('answers %s with error %i by its fix', (stage, errno, fix) => {
    expect(explained(stage, errno).split('\n')[1]).toBe(fix)
  })

  it('names the setting that forbids user namespaces', () => {
    expect(explained('user-namespace', EPERM, '', { unprivilegedUsernsClone: '0' })).toMatchInlineSnapshot(`
      "Cannot make a user namespace, kernel.unprivileged_userns_clone is 0: operation not permitted (EPERM)
      sudo sysctl -w kernel.unprivileged_userns_clone=1"
    `)
  })

  it('gives the AppArmor profile that lets the helper alone make user namespaces', () => {
    const text = explained('network-namespace', EPERM, '', { apparmorRestrictsUserns: '1' })
    expect(text).toContain('AppArmor restricts unprivileged user namespaces')
    expect(text).toContain('profile clawpatrol-netns "/opt/netns" flags=(unconfined)')
  })

  it('names the variable that leaves the DNS files alone', () => {
    expect(explained('mount-bind', EBUSY, '/etc/hosts')).toContain('CLAWPATROL_RUN_KEEP_RESOLV=1')
    expect(explained('mount-bind', ENOENT, '/etc/resolv.conf')).toContain('sudo touch')
  })

  it('names the step, the path and the error of anything else', () => {
    expect(explained('netlink', EACCES, 'x').split('\n')[0]).toBe(
      'Cannot prepare the capture at step "netlink" "x": permission denied (EACCES)',
    )
  })
})
