/** How bad something is: the worst level of all findings is the verdict. */
export const LEVELS = ['PASS', 'WARN', 'FAIL'] as const
export type Level = (typeof LEVELS)[number]

/** Every check of the audit: what it finds, and what mends it. One table, nowhere else. */
export const CHECKS = {
  FINITE: { about: 'vectors that hold NaN or Inf', fix: 'remove or re-encode the rows that are named' },
  ZERO_ROWS: { about: 'vectors of nothing but zeros', fix: 'remove or re-encode the rows that are named' },
  NORMS: { about: 'vectors that are not of length 1', fix: 'train with --normalize, or encode with normalisation' },
  COLLAPSE: { about: 'vectors that all say the same', fix: 'encode again: the encoder or its pooling is broken' },
  RANK: { about: 'vectors that use few of their dimensions', fix: 'look at the spectrum; check the encoder and its pooling' },
  KEYS: {
    about: 'rows that claim the same article and position',
    fix: 'look for a field that was lost where the keys were made',
  },
  CONTIGUITY: { about: 'articles whose rows are apart or out of order', fix: 'sort the rows by article, then by position' },
  ARTICLES: {
    about: 'whether articles are known, and how many',
    fix: 'add article ids: without them nothing can be held out fairly',
  },
  CATEGORIES: { about: 'articles without a category', fix: 'add them where they are known; only error analysis reads them' },
  DUPLICATES: { about: 'rows that are copies of others to the bit', fix: 'remove them, or look for a file that was read twice' },
  NEAR_DUPLICATES: {
    about: 'rows of a cosine above .98 to others',
    fix: 'look at their texts: boilerplate, or the same text twice',
  },
  ORDER: {
    about: 'whether neighbours are more alike than rows farther apart, and than random pairs',
    fix: 'sort the vectors as the text runs; compare the ids beside them with where they came from',
  },
  REGIONS: {
    about: 'stretches of the corpus that are unlike the rest',
    fix: 'look at the rows that are named and how they were made',
  },
  BORDERS: {
    about: 'whether articles begin where the text changes',
    fix: 'compare the ids with the rows that they were made for: they may be some rows off',
  },
  MIXED: {
    about: 'rows that are of another space than the rest, or have another mean',
    fix: 'encode all rows with one encoder, pooling and normalisation',
  },
  TARGET_LAG: {
    about: 'whether the target is what follows its context',
    fix: 'cut the windows again: the target is the row after the last of the context',
  },
  TARGET_IN_CONTEXT: {
    about: 'targets that are in their own contexts, as a vector or blended into one',
    fix: 'cut the windows again: the target is in none of the vectors that it is predicted from',
  },
  CROSSING: { about: 'windows that cross from one article into another', fix: 'cut windows inside articles' },
  SPLIT_LEAK: { about: 'validation targets that are copies of training rows', fix: 'remove copies before splitting' },
  SUFFICIENCY: { about: 'whether there is enough data to fit and to judge anything', fix: 'collect more articles' },
  SHARED_ARTICLES: { about: 'articles that are in both files', fix: 'remove them from one of the files' },
  LEAK: { about: 'rows of one file that are copies of rows of the other', fix: 'remove them from one of the files' },
  SPACE: {
    about: 'whether both files are from one encoder',
    fix: 'encode both with the same encoder, pooling and normalisation',
  },
  PARITY: { about: 'figures that differ between the files', fix: 'judge on such a file as out-of-domain text only' },
} as const
export type Check = keyof typeof CHECKS

/** What one check found. */
export interface Finding {
  readonly code: Check
  readonly level: Level
  readonly message: string
  /** The first rows that are concerned, from 0. */
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

export const worst = (findings: readonly Pick<Finding, 'level'>[]): Level =>
  LEVELS[Math.max(0, ...findings.map(({ level }) => LEVELS.indexOf(level)))]!

/** 1,234 of 5,678 */
export const count = (n: number): string => n.toLocaleString('en-US')
/** A cosine without the zero before its point. */
export const cos = (x: number): string => x.toFixed(3).replace(/^(-?)0\./, '$1.')
export const some = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`
