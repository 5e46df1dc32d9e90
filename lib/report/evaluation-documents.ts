import type { Audit } from '../audit/audit.js'
import type { Document, OutsideEntry } from '../evaluate/results-file.js'
import type { SentencesEntry } from '../evaluate/window-sentences.js'
import type { Analysis } from '../study/analysis/analysis-entry.js'
import type { Arrow } from '../study/ceiling/arrow.js'
import type { Ceiling } from '../study/ceiling/ceiling.js'
import type { ComparisonDocument } from '../study/compare/comparison.js'
import type { Diagnosis } from '../study/diagnose/diagnose-runs.js'
import type { RetrievalEntry } from '../study/retrieval/retrieval-entry.js'
import type { LoadedServer } from './figures/load-figures.js'
import type { Report } from './report-document.js'

const entries = <Entry>(document: unknown): readonly Entry[] => (document as Document<Entry> | undefined)?.runs ?? []

/** Returns the evaluation documents of a report with their types. */
export const documentsOf = ({ documents }: Report) => ({
  outside: entries<OutsideEntry>(documents['outside_results.json']),
  retrieval: entries<RetrievalEntry>(documents['retrieval_results.json']),
  comparison: documents['comparison.json'] as ComparisonDocument | undefined,
  diagnosed: entries<Diagnosis>(documents['diagnostics.json']),
  analysed: entries<Analysis>(documents['error_analysis.json']),
  sentences: entries<SentencesEntry>(documents['sentences.json']),
  audit: documents['audit.json'] as Audit | undefined,
  ceiling: documents['ceiling.json'] as Ceiling | undefined,
  arrow: documents['arrow.json'] as Arrow | undefined,
  load: documents['loadtest.json'] as LoadedServer | undefined,
})
