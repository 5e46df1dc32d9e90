import type { Check } from './audit-findings.js'

/** Sensitivity and limits of the checks, for the docs. */
export const LIMITS: Partial<Readonly<Record<Check, string>>> = {
  NEAR_DUPLICATES:
    'Compares all pairs up to 200,000 rows, and a seeded sample of rows beyond. The number of pairs expected by chance is extrapolated from the tail of random pairs: the share within a distance r grows as r to the power of the intrinsic dimension. Copies with a cosine below .98 are not detected.',
  SPLIT_LEAK:
    'Before training, checks the split of the run: the targets of its validation and test parts against every context and target of its training part. `data audit` has no split and tries seed 0 without a test part. Worth = share of the targets that are copies or near-copies × (1 − mean cosine of neighbours): the cosine that a model can gain by memorising. Fails above .01, from three copies on. Clean data: .000 (6,431 rows), .001 (42,113 rows; at most .002 over 40 seeds), .004 (1,704 rows; at most .005). One article of ten in a validation part: .04 to .06. Paraphrases with a cosine below .98 are not detected.',
  LEAK: 'Uses the same worth as SPLIT_LEAK, over all rows of the other file.',
  ORDER:
    'Compares means over the corpus. Rows shuffled in only a part of the articles lower the means without a failure (REGIONS detects a stretch of them). In few dimensions rows far apart are close to random pairs, so with fewer than 20 articles or 16 dimensions the check may only warn.',
  REGIONS:
    'Compares the means of 20 stretches and still works when three quarters of them are scrambled. It does not detect scrambled rows that are spread evenly over the file, because they lower all stretches equally.',
  BORDERS:
    'Detects ids shifted by the same number of rows, in all articles (up to 20,000 rows) or in at least 8 of them (up to 64 rows). It does not detect articles whose ids were swapped as a whole, shifts in data with fewer than 8 borders, or shifts in texts whose adjacent rows are hardly more similar than random pairs. Articles that are pieces of one text give a warning.',
  MIXED:
    'Draws 4,096 rows with a fixed seed, cuts their nearest-neighbour graph where it has few edges (once for the vectors, once after the mean of each article is subtracted), and compares the within-article covariances of both parts. Another topic keeps them similar (.26 of the similarity inside the parts for templates beside prose, .6 and more for other domains); a rotation or another encoder does not (.03 at most). Fails below .08. Detected from 5 % of the rows on, as a stretch or as whole articles, and in most texts as random rows (synthetic articles without anything in common: from 25 %); less reliably when the group has fewer than 40 of the drawn rows. It does not detect a sign flip of all coordinates, a rotation of few coordinates, groups in fewer than about 32 dimensions (half of the articles at most), or 5 % of synthetic articles that share only their space. Another offset is a warning, because another kind of text looks the same: from five articles and a distance of 8 standard deviations on (clean text: 6.7 at most), which in 768 dimensions is an offset of about half the length of a vector. It is searched in the parts and along four principal directions.',
  TARGET_LAG: 'Compares means, and fails when most targets are at the wrong lag; fewer are not detected.',
  TARGET_IN_CONTEXT:
    'Only for files of sequences. Searches near-copies of the target (cosine above .98) at every position; fails when they outnumber near-copies of the last vector by five standard errors and are worth .01 of cosine. A target blended into a vector is detected at the last 16 positions, by the mean (.01 of cosine, five standard errors over articles) or by 2 % more pairs above the 99th percentile of the control pairs. A blend into 5 % of the sequences is detected from a weight of about one half on.',
  SPACE:
    'Compares the covariances of whole files with those of random rotations: a z-score below 4 fails, one between 4 and 8 warns. It passes a file with another space in a part of its rows; MIXED looks inside one file.',
}
