import type { Interval } from '../../evaluate/metrics.js'
import type { Provenance } from '../../evaluate/subject.js'
import type { Bin } from './bins.js'

/** A group of like vectors. */
export interface Cluster {
  readonly id: number
  /** The text that is nearest to its middle, cut short; its number where texts are not known. */
  readonly name: string
  /** The nearest texts. */
  readonly texts: readonly string[]
  /** Titles of the articles that most of its targets are from. */
  readonly titles: readonly string[]
  readonly n: number
  readonly articles: number
  readonly cosine: { readonly mean: number; readonly ci95: Interval }
}

/** One window with its texts. */
export interface Example {
  readonly row: number
  readonly article: string | null
  readonly title: string | null
  readonly cosine: number
  /** The last text of the context, that of the target, and that which is nearest to the prediction. */
  readonly context: string | null
  readonly target: string | null
  readonly predicted: string | null
  readonly predicted_row: number
  readonly predicted_cosine: number
}

/** What holds of a whole set of windows. */
export interface Part {
  readonly path: string
  readonly n: number
  readonly articles: number
  readonly cosine: { readonly mean: number; readonly ci95: Interval }
  readonly mse: number
  readonly by_length: readonly Bin[]
  readonly by_position: readonly Bin[]
  readonly by_article: readonly Bin[]
  /** Null where the side file has no categories. */
  readonly by_category: readonly Bin[] | null
  /** Null where the training rows are not known, as the correlation of cosine and similarity. */
  readonly by_similarity: readonly Bin[] | null
  readonly similarity_correlation: number | null
}

/** One run in error_analysis.json. */
export interface Analysis extends Part {
  readonly run: string
  readonly model: string
  /** Of the file of weights that was judged. */
  readonly weights_sha256: string
  readonly rows: string
  /** Share of the windows that were trained on; null where the data is not that of the training. */
  readonly trained_on: number | null
  readonly split: Provenance['split']
  /** Windows that were chosen; n of them were looked at. */
  readonly windows: number
  readonly seed: number
  readonly data: { readonly path: string; readonly hash: string; readonly space: string | null }
  readonly clusters: readonly Cluster[]
  /** Windows by the cluster of their target (row) and of their prediction (column). */
  readonly confusion: readonly (readonly number[])[]
  /** Share on the diagonal, what chance would put there, and how far the one is above the other (Cohen's κ). */
  readonly agreement: { readonly value: number; readonly chance: number; readonly kappa: number }
  readonly projection: {
    readonly method: 'tsne' | 'umap' | 'none'
    readonly points: number
    readonly divergence: number | null
  }
  readonly best: readonly Example[]
  readonly worst: readonly Example[]
  readonly ood: Part | null
  /** Per window: row, article, cosine, … */
  readonly csv: string
  /** Undefined in files of earlier versions. */
  readonly csv_sha256?: string
}
