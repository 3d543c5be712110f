import { existsSync } from 'node:fs'
import { make, type Place, writeFile } from './routing.ts'
import type { Rule } from './rules.ts'

/** Name of the unit that brings our routing rules back after a restart. */
export const rulesUnit = 'clawpatrol-rules.service'

/** Has systemd bring a unit up at every start of the machine; without systemd a restart ends the routing. */
export async function enableUnit(place: Place, name: string): Promise<void> {
  if (!isSystemd()) return
  await make(place, { kind: 'unit', name }, () => place.host.asRoot(['systemctl', 'enable', name]))
}

/** Has systemd put the rules in force at every start, before the network is used. */
export async function enableRules(place: Place, rules: readonly Rule[]): Promise<void> {
  if (!isSystemd()) return
  const lines = rules.map(({ family, words }) => `ExecStart=-/usr/bin/env ip -${family} rule add ${words.join(' ')}`)
  const text = `# written by clawpatrol join --whole-machine; clawpatrol uninstall removes it
[Unit]
Description=Replies of this machine go out directly, not through clawpatrol
Before=tailscaled.service network-online.target
After=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
${lines.join('\n')}

[Install]
WantedBy=multi-user.target
`
  await writeFile(place, `/etc/systemd/system/${rulesUnit}`, text, 0o644)
  await enableUnit(place, rulesUnit)
}

// as sd_booted(3)
function isSystemd(): boolean {
  return existsSync('/run/systemd/system')
}
