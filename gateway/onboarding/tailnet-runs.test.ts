import { randomUUID } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { aNode, type OnboardLab, onboardLab } from '../../test/support/onboarding.ts'
import { until } from '../../test/support/until.ts'
import type { ProfileName } from '../../workers/contract/ids.ts'
import { changesOf } from '../store/database.ts'
import { deviceLookup } from './lookup.ts'
import { maxRunsPerDevice } from './runs.ts'
import { tailnetRuns } from './tailnet-runs.ts'

describe('tailnetRuns()', () => {
  it("makes a node one of a device's runs, by its stable id", async () => {
    const lab = aLab()
    const device = await aDevice(lab)
    const run = randomUUID()
    expect(lab.tailnet.runs.bindRun(device, aNode(1), run)).toEqual({ kind: 'bound', run })
    expect(lab.tailnet.nodes.get('n1')).toMatchObject({
      device,
      address4: '100.64.1.1',
      address6: 'fd7a:115c:a1e0::1',
      ephemeral: true,
      run,
    })
    const parts = { devices: lab.devices, nodes: lab.tailnet.nodes, changes: changesOf(lab.database) }
    const lookup = deviceLookup(parts, () => 'default' as ProfileName)
    expect(lookup.byNode('n1')).toMatchObject({ id: device, isBlocked: false })
    expect([lookup.byNode('n2'), lookup.byAddress('100.64.1.1')]).toEqual([null, null])
    expect(lab.tailnet.runs.endRun(device, run)).toBe(true)
    expect(lookup.byNode('n1')).toBeNull()
  })

  it('makes up the name of a run that has none, and keeps it', async () => {
    const lab = aLab()
    const device = await aDevice(lab)
    const first = lab.tailnet.runs.bindRun(device, aNode(1), null)
    expect(first).toEqual({ kind: 'bound', run: expect.stringMatching(/^[0-9a-f-]{36}$/) })
    expect(lab.tailnet.runs.bindRun(device, aNode(1), null)).toEqual(first)
  })

  it("leaves another device's node and run alone", async () => {
    const lab = aLab()
    const [one, other] = [await aDevice(lab), await aDevice(lab)]
    const run = randomUUID()
    lab.tailnet.runs.bindRun(one, aNode(1), run)
    expect(lab.tailnet.runs.bindRun(other, aNode(1), randomUUID())).toEqual({ kind: 'taken' })
    expect(lab.tailnet.runs.bindRun(other, aNode(2), run)).toEqual({ kind: 'taken' })
    expect(lab.tailnet.runs.bindMachine(other, aNode(1))).toEqual({ kind: 'taken' })
    expect(lab.tailnet.runs.endRun(other, run)).toBe(false)
    expect(lab.tailnet.nodes.list()).toMatchObject([{ stableId: 'n1', device: one, run }])
  })

  it('lets a device have as many runs as with WireGuard, and another one once one is over', async () => {
    const lab = aLab()
    const device = await aDevice(lab)
    const names = Array.from({ length: maxRunsPerDevice }, () => randomUUID())
    for (const [index, run] of names.entries())
      expect(lab.tailnet.runs.bindRun(device, aNode(index), run).kind).toBe('bound')
    expect(lab.tailnet.runs.bindRun(device, aNode(200), null)).toEqual({ kind: 'too-many' })
    // one it has already is none more
    expect(lab.tailnet.runs.bindRun(device, aNode(0), null).kind).toBe('bound')
    lab.tailnet.runs.endRun(device, names[5] ?? '')
    expect(lab.tailnet.runs.bindRun(device, aNode(200), null).kind).toBe('bound')
  })

  it('binds nothing to a device that is blocked or gone', async () => {
    const lab = aLab()
    const device = await aDevice(lab)
    await lab.registry.block(device)
    expect(lab.tailnet.runs.bindRun(device, aNode(1), null)).toEqual({ kind: 'gone' })
    await lab.registry.leave(device)
    expect(lab.tailnet.runs.bindRun(device, aNode(1), null)).toEqual({ kind: 'gone' })
    expect(lab.tailnet.runs.bindMachine(device, aNode(1))).toEqual({ kind: 'gone' })
    expect(lab.tailnet.nodes.list()).toEqual([])
  })

  it("keeps a device's own node what it is, whatever asks for a run from it", async () => {
    const lab = aLab()
    const device = await aDevice(lab)
    expect(lab.tailnet.runs.bindMachine(device, aNode(1))).toEqual({ kind: 'bound', run: null })
    expect(lab.tailnet.runs.bindMachine(device, aNode(2))).toEqual({ kind: 'taken' })
    expect(lab.tailnet.runs.bindRun(device, aNode(1), randomUUID())).toEqual({ kind: 'bound', run: null })
    expect(lab.tailnet.nodes.get('n1')).toMatchObject({ ephemeral: false, run: null })
  })

  it('ends the flows of a run that is over, a moment later, unless its node is a run again', async () => {
    const lab = aLab()
    const device = await aDevice(lab)
    const [one, other] = [randomUUID(), randomUUID()]
    lab.tailnet.runs.bindRun(device, aNode(1), one)
    lab.tailnet.runs.bindRun(device, aNode(2), other)
    lab.tailnet.runs.endRun(device, one)
    lab.tailnet.runs.endRun(device, other)
    lab.tailnet.runs.bindRun(device, aNode(1), randomUUID())
    expect(lab.tailnet.endedNodes).toEqual([])
    await until('its flows are ended', () => lab.tailnet.endedNodes.length > 0)
    expect(lab.tailnet.endedNodes).toEqual(['n2'])
  })

  it('forgets runs that are missed twice, and never a device itself', async () => {
    const lab = aLab()
    const device = await aDevice(lab)
    for (const number of [1, 2, 3]) lab.tailnet.runs.bindRun(device, aNode(number), null)
    lab.tailnet.runs.bindMachine(device, aNode(9))
    lab.tailnet.there.add('n1').add('n2')
    expect(await lab.tailnet.runs.sweep()).toBe(0)
    lab.tailnet.there.delete('n2')
    expect(await lab.tailnet.runs.sweep()).toBe(1)
    expect(lab.tailnet.endedNodes).toEqual(['n3'])
    // back before it is missed again: all is forgiven
    lab.tailnet.there.add('n2')
    expect(await lab.tailnet.runs.sweep()).toBe(0)
    lab.tailnet.there.delete('n2')
    expect(await lab.tailnet.runs.sweep()).toBe(0)
    expect(lab.tailnet.nodes.list().map(({ stableId }) => stableId)).toEqual(['n1', 'n2', 'n9'])
  })

  it('forgets nobody while the tailnet cannot tell', async () => {
    const lab = aLab()
    const device = await aDevice(lab)
    lab.tailnet.runs.bindRun(device, aNode(1), null)
    const { devices } = lab
    const { nodes } = lab.tailnet
    const isThere = () => Promise.reject(new Error('down'))
    const blind = tailnetRuns({ devices, nodes, isThere, endNode: () => undefined })
    onTestFinished(() => blind[Symbol.asyncDispose]())
    for (let count = 0; count < 4; count++) expect(await blind.sweep()).toBe(0)
    expect(nodes.list()).toHaveLength(1)
  })

  it('looks by itself', async () => {
    const lab = aLab()
    const device = await aDevice(lab)
    lab.tailnet.runs.bindRun(device, aNode(1), null)
    let done = (_count: number) => {}
    const swept = new Promise<number>((resolve) => {
      done = resolve
    })
    const { devices } = lab
    const { nodes } = lab.tailnet
    const parts = { devices, nodes, isThere: async () => false, endNode: () => undefined }
    const own = tailnetRuns({ ...parts, sweepEveryMs: 5, swept: (count) => done(count) })
    onTestFinished(() => own[Symbol.asyncDispose]())
    expect(await swept).toBe(1)
    expect(nodes.list()).toEqual([])
  })
})

function aLab(): OnboardLab {
  const lab = onboardLab({ transports: ['tailscale'] })
  onTestFinished(() => lab[Symbol.asyncDispose]())
  return lab
}

async function aDevice(lab: OnboardLab) {
  const { enrolment } = await lab.registry.enrol({
    name: 'laptop',
    profile: null,
    approvedBy: 'ops',
    transport: { kind: 'tailscale', isWholeMachine: false },
    rejoinOf: null,
    source: '192.0.2.7',
  })
  return enrolment.device
}
