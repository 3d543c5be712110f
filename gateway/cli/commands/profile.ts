import { askAdmin } from '../../admin/replies.ts'
import { stateDirOf, stateDirOption } from '../admin-options.ts'
import type { Command, Invocation } from '../command.ts'
import { colour, print } from '../print.ts'

/** `clawpatrol profile …` */
export const profile: Command = {
  name: 'profile',
  summary: 'say which profile a device has (on the gateway host)',
  subcommands: [
    {
      name: 'set',
      summary: 'give a device a profile; its live flows end',
      args: [
        { word: '<device>', summary: 'name or id of the device' },
        { word: '[profile]', summary: "a profile of the policy; none: the policy's default" },
      ],
      options: [stateDirOption],
      examples: ['clawpatrol profile set laptop coder'],
      run: set,
    },
  ],
}

async function set(invocation: Invocation): Promise<number> {
  const [name = '', wanted] = invocation.args
  const path = `/devices/${encodeURIComponent(name)}/profile`
  const body = { profile: wanted ?? null }
  const found = await askAdmin('device', { stateDir: stateDirOf(invocation), method: 'POST', path, body })
  print(`${colour.green('✓')} ${found.name} has the profile ${found.profile ?? '(default)'}`)
  return 0
}
