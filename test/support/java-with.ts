import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/**
 * The words that run a Java source file with a driver: one that CLAWPATROL_TEST_PGJDBC names, or Debian's.
 * @returns null, said loudly, when there is none, or no JDK
 */
export function javaWithPgjdbc(subject: string): readonly string[] | null {
  const jars = [process.env.CLAWPATROL_TEST_PGJDBC, '/usr/share/java/postgresql.jar']
  const jar = jars.find((each) => each !== undefined && each !== '' && existsSync(each))
  // a JRE alone runs no source file
  const isThere = spawnSync('javac', ['-version']).status === 0
  if (jar !== undefined && isThere) return ['java', '-Xshare:auto', '-XX:TieredStopAtLevel=1', '-cp', jar]
  const wanted = 'default-jdk-headless and libpostgresql-jdbc-java, or CLAWPATROL_TEST_PGJDBC'
  process.stderr.write(`NOT TESTED: ${subject}: needs a JDK and pgjdbc (${wanted})\n`)
  return null
}
