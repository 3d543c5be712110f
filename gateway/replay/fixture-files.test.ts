import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fixturesBeside, readFixtures } from './fixture-files.ts'
import { aScratch, type Scratch } from './lab.fixture.ts'

let scratch: Scratch
beforeAll(() => {
  scratch = aScratch()
  for (const folder of ['b', 'a/deep', '.git', 'empty']) mkdirSync(join(scratch.path, folder), { recursive: true })
  for (const name of ['z.json', 'b/1.json', 'a/deep/1.json', 'a/2.json', 'a/no.txt', '.git/x.json', 'gateway.hcl'])
    scratch.write(name, '{}')
  symlinkSync('..', join(scratch.path, 'a', 'loop'))
})
afterAll(() => scratch[Symbol.dispose]())

describe('readFixtures()', () => {
  it('reads what is in a directory and below it, sorted by path', () => {
    const found = readFixtures(scratch.path).map(({ path }) => path.slice(scratch.path.length + 1))
    expect(found).toEqual(['a/2.json', 'a/deep/1.json', 'b/1.json', 'z.json'])
  })

  it('says which path has no fixtures, and what to do', () => {
    expect(() => readFixtures(join(scratch.path, 'empty'))).toThrow('empty has no .json file in it, nor in a directory')
    expect(() => readFixtures(join(scratch.path, 'gone'))).toThrow('gone does not exist')
  })
})

describe('fixturesBeside()', () => {
  it('is in the directory of the configuration', () => {
    expect(fixturesBeside(scratch.path)).toBe(join(scratch.path, 'fixtures'))
    expect(fixturesBeside(join(scratch.path, 'gateway.hcl'))).toBe(join(scratch.path, 'fixtures'))
    expect(fixturesBeside('gone/gateway.hcl')).toBe('gone/fixtures')
  })
})
