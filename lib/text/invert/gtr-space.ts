/** Spaces of gtr-t5-base: `gtr-mean` is the mean of the token vectors, `gtr-st` has a dense layer and length 1 after it, as sentence-transformers gives it, `gtr-mean-l2` is `gtr-mean` at length 1. */
export const GTR_SPACES = ['gtr-mean', 'gtr-st', 'gtr-mean-l2'] as const
export type GtrSpace = (typeof GTR_SPACES)[number]

export const isGtrSpace = (name: unknown): name is GtrSpace => GTR_SPACES.some((space) => space === name)

/** Space of a decoder by the `embedder_model_name` of its config.json. */
export const SPACE_OF_EMBEDDER: Readonly<Record<string, GtrSpace>> = { gtr_base: 'gtr-mean', gtr_base_st: 'gtr-st' }
