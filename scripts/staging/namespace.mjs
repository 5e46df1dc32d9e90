// Runs a program without any network but the loopback device.
import { spawnSync } from 'node:child_process'
import { createConnection } from 'node:net'

/** Ways to get a network namespace: as root, else with a user namespace. */
const WAYS = [
  ['unshare', '-n'],
  ['unshare', '-rn'],
]
/** Shell command that switches the loopback device on, with the tool that is there, and runs its arguments. */
const LOOPBACK = '(ip link set lo up || ifconfig lo up) 2>/dev/null && exec "$0" "$@"'

/** Command that runs a program without a network; undefined where the system has no network namespaces. */
export function withoutNetwork(...program) {
  const way = WAYS.find(([unshare, flag]) => spawnSync(unshare, [flag, 'sh', '-c', LOOPBACK, 'true']).status === 0)
  return way && [...way, 'sh', '-c', LOOPBACK, ...program]
}

/** Whether an address outside this machine cannot be reached at all; the address is reserved for documentation. */
export const isOffline = () =>
  new Promise((done) => {
    const socket = createConnection({ host: '192.0.2.1', port: 80, timeout: 1000 })
    const end = (offline) => {
      socket.destroy()
      done(offline)
    }
    socket.once('error', ({ code }) => end(['ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL'].includes(code)))
    socket.once('timeout', () => end(false))
    socket.once('connect', () => end(false))
  })
