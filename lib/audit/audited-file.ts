import type { Base } from '../data/base.js'
import type { Passed } from './neighbour-pass.js'
import type { Spectrum } from './spectrum.js'
import type { Clusters, Table } from './unit-table.js'

/** A file with the statistics that comparisons need; computed in one pass. */
export interface AuditedFile {
  readonly base: Base
  readonly table: Table
  readonly passed: Passed
  readonly spectrum: Spectrum
  readonly clusters: Clusters
  readonly floor: number
  /** Mean cosine of adjacent rows. */
  readonly adjacent: number
}
