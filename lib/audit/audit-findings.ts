import { decimal } from '../show.js'

/** Levels of a finding; the worst level of all findings is the verdict. */
export const LEVELS = ['PASS', 'WARN', 'FAIL'] as const
export type Level = (typeof LEVELS)[number]

/** All checks of the audit, each with its subject and its fix. */
export const CHECKS = {
  FINITE: { about: 'vectors with NaN or Inf', fix: 'remove or re-encode the listed rows' },
  ZERO_ROWS: { about: 'vectors of zeros only', fix: 'remove or re-encode the listed rows' },
  NORMS: { about: 'vectors whose length is not 1', fix: 'train with --normalize, or encode with normalisation' },
  COLLAPSE: { about: 'vectors that are almost all the same', fix: 'encode again: the encoder or its pooling is broken' },
  RANK: { about: 'effective rank far below the dimension', fix: 'look at the spectrum; check the encoder and its pooling' },
  KEYS: {
    about: 'rows with the same article and position',
    fix: 'check the code that writes the keys for a missing field',
  },
  CONTIGUITY: {
    about: 'articles whose rows are not consecutive or not in order',
    fix: 'sort the rows by article, then by position',
  },
  ARTICLES: {
    about: 'number of articles, if article ids are known',
    fix: 'add article ids: without them no fair held-out set can be made',
  },
  CATEGORIES: {
    about: 'articles without a category',
    fix: 'add categories where they are known; only error analysis reads them',
  },
  DUPLICATES: {
    about: 'rows that are bit-identical to another row',
    fix: 'remove them, or check for a file that was read twice',
  },
  NEAR_DUPLICATES: {
    about: 'rows with a cosine above .98 to another row',
    fix: 'read their texts: boilerplate, or the same text twice',
  },
  ORDER: {
    about: 'whether adjacent rows are more similar than rows farther apart and than random pairs',
    fix: 'sort the vectors in the order of the text; check the ids against the source',
  },
  REGIONS: {
    about: 'stretches of the corpus whose adjacent cosines differ from the rest',
    fix: 'look at the listed rows and how they were made',
  },
  BORDERS: {
    about: 'whether article borders lie where the text changes',
    fix: 'check that ids and rows match: the ids may be shifted by some rows',
  },
  MIXED: {
    about: 'groups of rows in another space, or with another mean, than the rest',
    fix: 'encode all rows with one encoder, pooling and normalisation',
  },
  TARGET_LAG: {
    about: 'whether the target is the row after its context',
    fix: 'cut the windows again: the target is the row after the last context row',
  },
  TARGET_IN_CONTEXT: {
    about: 'targets contained in their own contexts, as a vector or blended into one',
    fix: 'cut the windows again: no context vector may contain the target',
  },
  CROSSING: { about: 'windows that cross an article border', fix: 'cut windows inside articles' },
  SPLIT_LEAK: { about: 'validation targets that are copies of training rows', fix: 'remove copies before splitting' },
  SUFFICIENCY: { about: 'whether there is enough data to train and evaluate a model', fix: 'collect more articles' },
  SHARED_ARTICLES: { about: 'articles in both files', fix: 'remove them from one of the files' },
  LEAK: { about: 'rows of one file that are copies of rows in the other', fix: 'remove them from one of the files' },
  SPACE: {
    about: 'whether both files are from one encoder',
    fix: 'encode both with the same encoder, pooling and normalisation',
  },
  PARITY: { about: 'statistics that differ between the files', fix: 'evaluate on such a file only as out-of-domain text' },
} as const
export type Check = keyof typeof CHECKS

/** Result of one check. */
export interface Finding {
  readonly code: Check
  readonly level: Level
  readonly message: string
  /** Numbers of the first affected rows, from 0. */
  readonly rows: readonly number[]
  readonly figures: Readonly<Record<string, number | string | null>>
}

const SHOWN = 5

export const finding = (
  code: Check,
  level: Level,
  message: string,
  figures: Finding['figures'] = {},
  rows: Iterable<number> = [],
): Finding => ({ code, level, message, rows: [...rows].slice(0, SHOWN), figures })

/** Passes a check that compares rows, where no two of them differ. */
export const allAlike = (code: Check): Finding => finding(code, 'PASS', 'all vectors have one direction: nothing to compare')

export const worst = (findings: readonly Pick<Finding, 'level'>[]): Level =>
  LEVELS[Math.max(0, ...findings.map(({ level }) => LEVELS.indexOf(level)))]!

/** Formats a cosine without the zero before its decimal point. */
export const cos = (x: number): string => decimal(x, '', 3)
