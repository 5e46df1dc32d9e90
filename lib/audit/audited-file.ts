import type { Base } from '../data/base.js'
import type { Passed } from './neighbour-pass.js'
import type { Spectrum } from './spectrum.js'
import type { Clusters, Table } from './unit-table.js'

/** A file that is read once, and what comparing it needs. */
export interface AuditedFile {
  readonly base: Base
  readonly table: Table
  readonly passed: Passed
  readonly spectrum: Spectrum
  readonly clusters: Clusters
  readonly floor: number
  /** Mean cosine of neighbours. */
  readonly adjacent: number
}
