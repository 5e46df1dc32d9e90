import type { Analysis } from '../evaluate/analysis/entry.js'
import type { Audit } from '../evaluate/audit/audit.js'
import type { Arrow } from '../evaluate/ceiling/arrow.js'
import type { Ceiling } from '../evaluate/ceiling/ceiling.js'
import type { ComparisonDocument } from '../evaluate/compare/compare.js'
import type { Diagnosis } from '../evaluate/diagnose/runs.js'
import type { Document } from '../evaluate/report.js'
import type { RetrievalEntry } from '../evaluate/retrieval/entry.js'
import type { Report } from './document.js'

const entries = <Entry>(document: unknown): readonly Entry[] => (document as Document<Entry> | undefined)?.runs ?? []

/** The evaluation documents of a report, typed. */
export const documentsOf = ({ documents }: Report) => ({
  retrieval: entries<RetrievalEntry>(documents['retrieval_results.json']),
  comparison: documents['comparison.json'] as ComparisonDocument | undefined,
  diagnosed: entries<Diagnosis>(documents['diagnostics.json']),
  analysed: entries<Analysis>(documents['error_analysis.json']),
  audit: documents['audit.json'] as Audit | undefined,
  ceiling: documents['ceiling.json'] as Ceiling | undefined,
  arrow: documents['arrow.json'] as Arrow | undefined,
})
