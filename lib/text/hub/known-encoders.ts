/** An encoder by the facts of its model card; none of them is measured here. */
export interface KnownEncoder {
  readonly name: string
  readonly dim: number
  readonly licence: string
  readonly pooling: 'mean' | 'first token'
  /** Texts that its card puts before queries and passages; null for none. */
  readonly prompts: string | null
}

const known = (
  name: string,
  dim: number,
  licence: string,
  pooling: KnownEncoder['pooling'] = 'mean',
  prompts: string | null = null,
): KnownEncoder => ({ name, dim, licence, pooling, prompts })

/** Encoders with an architecture that lvm-torch reads: MPNet, BERT and T5; all of them divide their vectors by their lengths. */
export const KNOWN_ENCODERS: readonly KnownEncoder[] = [
  known('sentence-transformers/all-mpnet-base-v2', 768, 'apache-2.0'),
  known('sentence-transformers/all-MiniLM-L6-v2', 384, 'apache-2.0'),
  known('sentence-transformers/all-MiniLM-L12-v2', 384, 'apache-2.0'),
  known('sentence-transformers/gtr-t5-base', 768, 'apache-2.0'),
  known('sentence-transformers/sentence-t5-base', 768, 'apache-2.0'),
  known('BAAI/bge-small-en-v1.5', 384, 'mit', 'first token'),
  known('BAAI/bge-base-en-v1.5', 768, 'mit', 'first token'),
  known('intfloat/e5-small-v2', 384, 'mit', 'mean', 'query: | passage: '),
  known('intfloat/e5-base-v2', 768, 'mit', 'mean', 'query: | passage: '),
  known('thenlper/gte-small', 384, 'mit'),
  known('thenlper/gte-base', 768, 'mit'),
]
