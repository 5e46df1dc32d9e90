import type { Interval } from '../../evaluate/metrics.js'
import type { Provenance } from '../../evaluate/subject.js'
import type { WindowSentences } from '../../evaluate/window-sentences.js'
import type { Bin } from './bins.js'

/** A cluster of target vectors. */
export interface Cluster {
  readonly id: number
  /** Text nearest to the centre, shortened; «cluster» and the id without texts. */
  readonly name: string
  /** Texts nearest to the centre. */
  readonly texts: readonly string[]
  /** Titles of the articles with the most targets in the cluster. */
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
  /** Texts of the last context vector, of the target and of the row nearest to the prediction. */
  readonly context: string | null
  readonly target: string | null
  readonly predicted: string | null
  readonly predicted_row: number
  readonly predicted_cosine: number
}

/** Figures of a set of windows. */
export interface Part {
  readonly path: string
  readonly n: number
  readonly articles: number
  readonly cosine: { readonly mean: number; readonly ci95: Interval }
  readonly mse: number
  readonly by_length: readonly Bin[]
  readonly by_position: readonly Bin[]
  readonly by_article: readonly Bin[]
  /** Null without categories in the side file. */
  readonly by_category: readonly Bin[] | null
  /** Null when the training rows are not known; so is `similarity_correlation`, the correlation of cosine and similarity. */
  readonly by_similarity: readonly Bin[] | null
  readonly similarity_correlation: number | null
}

/** One run in error_analysis.json. */
export interface Analysis extends Part {
  readonly run: string
  readonly model: string
  /** SHA-256 of the evaluated weights file, or file of predictions; null for a function. */
  readonly weights_sha256: string | null
  /** What is not known of a predictor that is no run, and what a file cannot be asked; null for a run. */
  readonly note?: string | null
  readonly rows: string
  /** Share of the windows that were trained on; null for other data than that of the training. */
  readonly trained_on: number | null
  readonly split: Provenance['split']
  /** Number of chosen windows; n of them were analysed. */
  readonly windows: number
  readonly seed: number
  readonly data: { readonly path: string; readonly hash: string; readonly space: string | null }
  readonly clusters: readonly Cluster[]
  /** Windows by the cluster of their target (row) and of their prediction (column). */
  readonly confusion: readonly (readonly number[])[]
  /** Share on the diagonal, expected share by chance, and Cohen's κ. */
  readonly agreement: { readonly value: number; readonly chance: number; readonly kappa: number }
  readonly projection: {
    readonly method: 'tsne' | 'umap' | 'none'
    readonly points: number
    readonly divergence: number | null
  }
  readonly best: readonly Example[]
  readonly worst: readonly Example[]
  /** Windows at evenly spaced quantiles of the cosine as sentences, beside the context mean; null unless asked for. */
  readonly sentences?: readonly WindowSentences[] | null
  readonly ood: Part | null
  /** Path of the CSV file with one line for each window. */
  readonly csv: string
  /** Missing in files of earlier versions. */
  readonly csv_sha256?: string
}
