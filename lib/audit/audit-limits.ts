import type { Check } from './audit-findings.js'

/** What checks can see and what they cannot, for the docs. */
export const LIMITS: Partial<Readonly<Record<Check, string>>> = {
  NEAR_DUPLICATES:
    'All pairs are compared up to 200,000 rows, a seeded sample of rows beyond. How many pairs chance alone makes is drawn from the tail of random pairs: the share within a distance r grows as r to the power of the dimension that the vectors fill. Copies with a cosine below .98 are not seen.',
  SPLIT_LEAK:
    'Before a training, the split that was drawn is checked: the targets of its validation part and of its test part against every context and target that is trained on. `data audit` has no split and tries seed 0 without a test part. Worth = share of the targets that are copies or near-copies × (1 − mean cosine of neighbours): the cosine that a model can gain by remembering alone. It fails above .01, from three copies on. Sound data: .000 (6,431 rows), .001 (42,113 rows; .002 at most over 40 seeds), .004 (1,704 rows; .005 at most). One article of ten in a validation part: .04 to .06. Paraphrases with a cosine below .98 are not seen.',
  LEAK: 'Judged by its worth, as SPLIT_LEAK, over all rows of the other file.',
  ORDER:
    'It compares means over the corpus: rows that are shuffled in a part of the articles lower them without a failure (REGIONS sees a stretch of them). In few dimensions rows far apart come near the floor, so that fewer than 20 articles or 16 dimensions may give no more than a warning.',
  REGIONS:
    'It compares the means of 20 stretches and still works when three quarters of them are scrambled. It does not see scrambled rows that are spread evenly over the file, because they lower all stretches alike.',
  BORDERS:
    'It sees ids that are the same number of rows off, for all articles (up to 20,000 rows) or for at least 8 of them (up to 64 rows). It cannot see articles whose ids were exchanged whole, fewer than 8 borders, and texts in which neighbours have hardly more in common than random pairs. Articles that are pieces of one text are warned about.',
  MIXED:
    '4,096 rows, drawn by seed, are divided where few are near neighbours, once as they are and once less the mean of their article; the covariances inside articles of both parts are compared. Other topics leave them alike (.26 of the likeness inside the parts for templates beside prose, .6 and more for other domains), a rotation or another encoder does not (.03 at most); it fails below .08. Seen from 5 % of the rows on, as a stretch or as whole articles, and in most texts as rows at random (synthetic articles that have nothing in common: from 25 %); less where the group has fewer than 40 of the rows drawn. It cannot see a turned sign of all coordinates, a rotation of few coordinates, groups in fewer than about 32 dimensions (half of the articles at most), and 5 % of synthetic articles that have nothing in common but their space. Another offset is a warning, because another kind of text looks the same: from five articles and a distance of 8 standard deviations on (sound text: 6.7 at most), which in 768 dimensions is an offset of about half the length of a vector; it is looked for in the parts and along four principal directions.',
  TARGET_LAG: 'It compares means, and fails where most targets are off; fewer are not seen.',
  TARGET_IN_CONTEXT:
    'Only for files of sequences. A near-copy of the target (cosine above .98) is looked for at every place, more of them than of the last vector by five standard errors and worth .01 of cosine. A target that is blended into a vector is seen at the last 16 places, by the mean (.01 of cosine, five standard errors over articles) or by 2 % more pairs above the 99th percentile of sound ones. A blend into 5 % of the sequences is seen from a part of about one half on.',
  SPACE:
    'It compares the covariances of whole files with those of random rotations: a z-score below 4 fails, one between 4 and 8 warns. It passes a file that holds another space in a part of its rows; MIXED looks inside one file.',
}
