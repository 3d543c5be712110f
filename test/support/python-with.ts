import { spawnSync } from 'node:child_process'

/**
 * A Python that has these modules: the one CLAWPATROL_TEST_PYTHON names, `python3`, or the system's own.
 * @returns null, said loudly, when there is none
 */
export function pythonWith(modules: readonly string[], subject: string): string | null {
  const asked = [process.env.CLAWPATROL_TEST_PYTHON, 'python3', '/usr/bin/python3'].filter(
    (each) => each !== undefined && each !== '',
  )
  const found = asked.find((python) => spawnSync(python ?? '', ['-c', `import ${modules.join(', ')}`]).status === 0)
  if (found !== undefined) return found
  process.stderr.write(`NOT TESTED: ${subject}: needs Python with ${modules.join(' and ')} (CLAWPATROL_TEST_PYTHON)\n`)
  return null
}
