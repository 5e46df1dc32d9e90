import type { ComparisonDocument } from '../evaluate/compare/compare.js'
import type { Document } from '../evaluate/report.js'
import type { RetrievalEntry } from '../evaluate/retrieval/entry.js'
import type { Report } from './document.js'

type Interval = readonly [number, number] | null
interface Valued {
  readonly value: number
  readonly ci95: Interval
}
interface Curve extends Valued {
  readonly offset: number
}

/** What a report reads of a run in diagnostics.json. */
export interface Diagnosed {
  readonly run: string
  readonly n: number
  readonly articles: number
  readonly verdict: unknown
  readonly findings: readonly {
    readonly code: string
    readonly level: string
    readonly what: string
    readonly why: string
    readonly fix: string
  }[]
  readonly reference: { readonly name: string }
  readonly curves: {
    readonly windows: number
    readonly articles: number
    readonly run: readonly Curve[]
    readonly reference: readonly Curve[]
    readonly copy_last: readonly Curve[]
  }
  readonly ablations: readonly {
    readonly name: string
    readonly position: number | null
    readonly cosine: number
    readonly drop: Valued
  }[]
}

interface Binned {
  readonly label: string
  readonly n: number
  readonly articles: number
  readonly cosine: { readonly mean: number; readonly ci95: Interval }
}
interface Example {
  readonly row: number
  readonly title: string | null
  readonly article: string | null
  readonly cosine: number
  readonly context: string | null
  readonly target: string | null
  readonly predicted: string | null
  readonly predicted_cosine: number
}
/** What a report reads of a run in error_analysis.json. */
export interface Analysed {
  readonly run: string
  readonly rows: string
  readonly n: number
  readonly seed: number
  readonly clusters: readonly { readonly name: string; readonly n: number }[]
  readonly confusion: readonly (readonly number[])[]
  readonly agreement: { readonly value: number; readonly chance: number; readonly kappa: number }
  readonly projection: { readonly method: string; readonly points: number }
  readonly by_length: readonly Binned[]
  readonly by_position: readonly Binned[]
  readonly by_category: readonly Binned[] | null
  readonly by_article: readonly Binned[]
  readonly similarity_correlation: number | null
  readonly best: readonly Example[]
  readonly worst: readonly Example[]
  readonly csv: string
}

interface Found {
  readonly code: string
  readonly level: string
  readonly message: string
  readonly rows: readonly number[]
}
interface Counts {
  readonly from: number
  readonly to: number
  readonly counts: readonly number[]
}
/** What a report reads of audit.json. */
export interface Audited {
  readonly path: string
  readonly hash: string
  readonly rows: number
  readonly dim: number
  readonly verdict: string
  readonly findings: readonly Found[]
  readonly against: readonly { readonly path: string; readonly findings: readonly Found[] }[]
  readonly random_pairs: { readonly mean: number; readonly histogram: Counts }
  readonly adjacent: { readonly mean: number; readonly histogram: Counts }
  readonly lags: readonly { readonly lag: number; readonly cosine: number; readonly ci95: Interval; readonly pairs: number }[]
  readonly regions: readonly { readonly from: number; readonly to: number; readonly cosine: number; readonly odd: boolean }[]
  readonly spectrum: { readonly effective_rank: number; readonly shares: readonly number[] }
}

const entries = <Entry>(document: unknown): readonly Entry[] => (document as Document<Entry> | undefined)?.runs ?? []

/** The evaluation documents of a report, typed. */
export const documentsOf = ({ documents }: Report) => ({
  retrieval: entries<RetrievalEntry>(documents['retrieval_results.json']),
  comparison: documents['comparison.json'] as ComparisonDocument | undefined,
  diagnosed: entries<Diagnosed>(documents['diagnostics.json']),
  analysed: entries<Analysed>(documents['error_analysis.json']),
  audit: documents['audit.json'] as Audited | undefined,
  ceiling: documents['ceiling.json'],
  arrow: documents['arrow.json'],
})
