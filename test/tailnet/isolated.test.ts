import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { controlBuildMs, startControl } from './control.ts'
import { describeIsolated } from './isolated.ts'
import { startNode } from './node.ts'

describeIsolated('describeIsolated()', import.meta.url, () => {
  it('runs tests where there is no interface of the host and no way out', async () => {
    const links = [...readFileSync('/proc/net/dev', 'utf8').matchAll(/^\s*(\w+):/gm)].map(([, name]) => name)
    expect(links.sort()).toEqual(['lo', 'nowhere0', 'nowhere1'])
    const failed = await new Promise<Error>((resolve, reject) => {
      const socket = connect({ host: '192.0.2.1', port: 80, timeout: 300 })
      socket.on('connect', () => reject(new Error('reached what is outside')))
      socket.on('timeout', () => socket.destroy(new Error('no answer')))
      socket.on('error', resolve)
    })
    expect(failed.message).toMatch(/no answer|EHOSTUNREACH/)
  })

  it(
    'lets a control and a node meet on loopback',
    async () => {
      await using control = await startControl()
      await using node = await startNode(control, { hostname: 'inside', authKey: (await control.mint()).key })
      expect(await control.node('online', ({ id, online }) => id === node.id && online)).toMatchObject({
        name: 'inside.tail.test',
        user: 'owner@example.com',
      })
    },
    controlBuildMs,
  )
})
