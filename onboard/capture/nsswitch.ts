const LOCKED = 'hosts:      files dns'

/**
 * Makes host names resolve only by the hosts file and DNS: other services (resolve, mdns, nis, sss …) ask daemons
 * outside of the capture. Lines that already do so are kept.
 * @param text contents of nsswitch.conf
 * @see man7.org/linux/man-pages/man5/nsswitch.conf.5.html
 */
export function lockNsswitch(text: string): string {
  return text
    .split('\n')
    .map((line) => (isHosts(line) && !isLocked(line) ? LOCKED : line))
    .join('\n')
}

// glibc: leading blanks, the name ends at a blank or a colon, and the colon may be missing
const HOSTS = /^\s*hosts(?:[\s:]|$)/

function isHosts(line: string): boolean {
  return HOSTS.test(line)
}

function isLocked(line: string): boolean {
  const services = line
    .replace(/#.*/, '')
    .replace(/^\s*hosts[\s:]*/, '')
    .split(/\s+/)
    .filter((service) => service !== '')
  return services.includes('dns') && services.every((service) => service === 'files' || service === 'dns')
}
