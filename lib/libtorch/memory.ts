import { spawnSync } from 'node:child_process'
import { freemem, platform } from 'node:os'
import { join } from 'node:path'
import { groupFolders, read } from './machine.js'
import { apart } from './paths.js'

/** Number after a key in text with lines «key number»; 0 when the key is absent. */
const valueIn = (text: string | undefined, key: string): number =>
  Number(new RegExp(`^"?${key}"?:?\\s+(\\d+)`, 'm').exec(text ?? '')?.[1] ?? 0)

/** Free memory of a control group: limit minus usage, where the reclaimable page cache does not count as used. Units: bytes. */
function leftIn(folder: string, cgroup: 1 | 2): number {
  const [limit, usage] = cgroup === 2 ? ['memory.max', 'memory.current'] : ['memory.limit_in_bytes', 'memory.usage_in_bytes']
  const [most, used] = [Number(read(join(folder, limit!)) ?? Number.NaN), Number(read(join(folder, usage!)) ?? Number.NaN)]
  if (!Number.isFinite(most) || !Number.isFinite(used)) return Infinity
  const facts = read(join(folder, 'memory.stat'))
  const keys = cgroup === 2 ? ['inactive_file', 'active_file', 'slab_reclaimable'] : ['total_inactive_file', 'total_active_file']
  const reclaimable = keys.reduce((sum, key) => sum + valueIn(facts, key), 0)
  return most - Math.max(0, used - reclaimable)
}

/** Memory on macOS that is free or can be reclaimed without writing to disk, from the output of `vm_stat`. Units: bytes. */
export function freeOnMac(text: string): number | undefined {
  const size = Number(/page size of (\d+) bytes/.exec(text)?.[1])
  const keys = ['Pages free', 'Pages inactive', 'Pages speculative', 'Pages purgeable']
  const pages = keys.reduce((sum, key) => sum + valueIn(text, key), 0)
  return Number.isFinite(size) && pages > 0 ? size * pages : undefined
}

function freeOnHost(root: string): number {
  if (platform() === 'darwin') return freeOnMac(spawnSync('vm_stat', { ...apart(), encoding: 'utf8' }).stdout ?? '') ?? freemem()
  const available = valueIn(read(join(root, 'proc/meminfo')), 'MemAvailable')
  return available > 0 ? 1024 * available : freemem()
}

/** Memory available to this process: the smallest of the machine's and its control groups'. Units: bytes. */
export function freeMemory(root = '/'): number {
  const { folders, cgroup } = groupFolders('memory', root)
  return Math.max(0, Math.min(freeOnHost(root), ...folders.map((folder) => leftIn(folder, cgroup))))
}
