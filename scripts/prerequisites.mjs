// What this machine must have before anything is installed or compiled. Plain Node, no dependency.
import { execFileSync } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'

/**
 * Looks at everything at once, so that a person fixes it in one go.
 * @param {{ run: boolean }} what run: also check what running an agent needs (TUN device, namespaces)
 * @returns {{ what: string, fix: string }[]}
 */
export function missing({ run }) {
  const checks = [node, go, compiler, cxx, make, python, ...(run ? [tun, namespaces] : [])]
  return checks.map((check) => check()).filter((problem) => problem !== null)
}

/** Prints every problem with its fix to stderr and tells whether there was one. */
export function report(problems) {
  if (problems.length === 0) return false
  process.stderr.write(`clawpatrol: ${problems.length} thing(s) missing on this machine\n`)
  for (const { what, fix } of problems) process.stderr.write(`  - ${what}\n    fix: ${fix}\n`)
  return true
}

function node() {
  if (atLeast(process.versions.node, [20, 19])) return null
  return {
    what: `Node ${process.versions.node} is too old, 20.19 or newer is needed`,
    fix: 'install Node 20 LTS or newer, e.g. with nvm install 20',
  }
}

function go() {
  const wanted = 'Go 1.26 or newer is needed to build the network part'
  const fix = 'install Go 1.26 from the Go project or your distribution and put its bin folder on PATH'
  const found = /go(\d+(?:\.\d+)*)/.exec(output('go', ['version']) ?? '')
  if (found === null) return { what: `go was not found: ${wanted}`, fix }
  // the build fetches no toolchain in the place of an older Go
  return atLeast(found[1], [1, 26]) ? null : { what: `Go ${found[1]} is too old: ${wanted}`, fix }
}

function compiler() {
  if (['cc', 'gcc', 'clang'].some((name) => output(name, ['--version']) !== null)) return null
  return { what: 'no C compiler (cc, gcc or clang)', fix: 'sudo apt-get install -y build-essential' }
}

// SQLite's binding is compiled where no ready-made one can be fetched
function cxx() {
  if (['c++', 'g++', 'clang++'].some((name) => output(name, ['--version']) !== null)) return null
  return { what: 'no C++ compiler (c++, g++ or clang++)', fix: 'sudo apt-get install -y build-essential' }
}

function make() {
  return output('make', ['--version']) === null
    ? { what: 'make was not found', fix: 'sudo apt-get install -y build-essential' }
    : null
}

function python() {
  if (output('python3', ['--version']) !== null) return null
  return { what: 'python3 was not found (node-gyp needs it)', fix: 'sudo apt-get install -y python3' }
}

function tun() {
  const path = '/dev/net/tun'
  if (process.platform !== 'linux')
    return {
      what: `capturing a command needs Linux, this is ${process.platform}`,
      fix: 'run it on a Linux machine or VM',
    }
  if (!existsSync(path))
    return {
      what: `${path} does not exist`,
      fix: 'sudo modprobe tun && sudo mkdir -p /dev/net && sudo mknod /dev/net/tun c 10 200',
    }
  try {
    closeSync(openSync(path, 'r+'))
    return null
  } catch (error) {
    if (error.code === 'EACCES' || error.code === 'EPERM')
      return { what: `${path} cannot be opened by this user`, fix: `sudo chmod 666 ${path}` }
    return { what: `${path} cannot be opened: ${error.code}`, fix: 'sudo modprobe tun' }
  }
}

function namespaces() {
  if (process.platform !== 'linux') return null
  const words = process.getuid() === 0 ? ['-nm', 'true'] : ['-Urnm', 'true']
  try {
    execFileSync('unshare', words, { stdio: 'ignore' })
    return null
  } catch (error) {
    if (error.code === 'ENOENT') return { what: 'unshare was not found', fix: 'sudo apt-get install -y util-linux' }
    return { what: 'this machine does not allow new namespaces', fix: namespaceFix() }
  }
}

function namespaceFix() {
  const off = [
    ['kernel.unprivileged_userns_clone', '0', '1'],
    ['user.max_user_namespaces', '0', '15000'],
    ['kernel.apparmor_restrict_unprivileged_userns', '1', '0'],
  ].find(([name, bad]) => output('cat', [`/proc/sys/${name.replaceAll('.', '/')}`])?.trim() === bad)
  if (off !== undefined) return `sudo sysctl -w ${off[0]}=${off[2]}`
  return 'allow user and network namespaces here (in a container: run it with --privileged or CAP_SYS_ADMIN)'
}

function output(command, args) {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    return null
  }
}

function atLeast(version, wanted) {
  const have = version.split('.').map(Number)
  for (const [index, want] of wanted.entries()) {
    if ((have[index] ?? 0) !== want) return (have[index] ?? 0) > want
  }
  return true
}
