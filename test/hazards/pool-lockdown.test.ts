import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aProfile, type PoolLab, type ScriptedFlow, startPoolLab } from './fixtures/pool-lab.ts'

describe('a decoder that was taken over', () => {
  let lab: PoolLab
  let flow: ScriptedFlow

  beforeAll(async () => {
    lab = await startPoolLab([aProfile('a'), aProfile('b')])
    flow = await lab.open('a')
  })

  afterAll(() => lab[Symbol.asyncDispose]())

  it('can do none of what it has no business doing', async () => {
    const { value } = await flow.ask('attempts')
    const names = value as string[]
    expect(names.length).toBeGreaterThan(50)
    const allowed: string[] = []
    for (const name of names) {
      const said = await flow.ask(`try ${name}`)
      if (said.error === undefined) allowed.push(name)
    }
    expect(allowed).toEqual([])
  })

  it('may still ask for what is its own', async () => {
    expect(await flow.ask('secret a-token')).toEqual({ value: { '': 'secret of a-token' } })
    expect(await flow.ask('certificate a.example')).toMatchObject({ value: { key: 'key of a.example' } })
    expect(await flow.ask('dial a.example 443')).toEqual({ value: 'dialled' })
  })

  it.each([
    ['secret b-token', 'asked for credential "b-token"'],
    ['dial b.example 443', 'asked to dial b.example:443'],
    ['dial a.example 22', 'asked to dial a.example:22'],
    ['dial 127.0.0.1 443', 'asked to dial 127.0.0.1:443'],
    ['certificate b.example', 'asked for a certificate for b.example'],
  ])('that says %j is refused, and its flow ends as a recorded fault', async (line, what) => {
    const hostile = await lab.open('a')
    await hostile.ask('echo ready')
    const asked = lab.asked.length
    await hostile.ask(line).catch(() => undefined)
    expect(await hostile.report).toMatchObject({
      endedBy: 'fault',
      fault: { code: 'CP_FORBIDDEN', message: expect.stringContaining(what) },
    })
    expect(lab.asked.length).toBe(asked)
    const its = lab.events.filter((entry) => entry.flow?.id === hostile.id).map(({ event }) => event)
    expect(its).toMatchObject([
      { kind: 'opened', action: { endpoint: null, protocol: 'fault', title: expect.stringContaining(what) } },
      { kind: 'closed', status: 'denied' },
    ])
    expect(lab.faults.at(-1)).toMatchObject({ kind: 'violation', profile: 'a', flow: hostile.id })
    expect(await flow.ask('echo still here')).toEqual({ value: 'still here' })
  })
})
