import { describe, expect, it } from 'vitest'
import { ssh } from '../../contract/families/ssh.ts'
import { sshFacts, sshVerbs } from './facts.ts'

describe('sshFacts()', () => {
  it('has every fact of the family, empty where nothing is given', () => {
    const facts = sshFacts({ verb: 'PTY' })
    expect(facts).toEqual({
      verb: 'pty',
      command: '',
      subsystem: '',
      forward_host: '',
      forward_port: 0,
      user: '',
      stdin: '',
    })
    expect(Object.keys(facts)).toEqual(ssh.facts.map(({ name }) => name))
  })

  it('keeps what is given', () => {
    const asked = {
      verb: 'forward',
      command: 'make',
      subsystem: 'sftp',
      forward_host: 'db',
      forward_port: 5432,
      user: 'ci',
      stdin: 'x',
    }
    expect(sshFacts(asked)).toEqual(asked)
  })

  it('knows every verb that rules are told of', () => {
    const doc = ssh.facts.find(({ name }) => name === 'verb')?.doc ?? ''
    expect(doc.match(/[a-z0-9_]+/g)?.filter((word) => word !== 'or')).toEqual([...sshVerbs])
  })
})
