/** Sentences of several lengths, scripts and kinds of characters, for checks of an encoder. */
export const SAMPLE_SENTENCES: readonly string[] = [
  'The river crosses the old town from north to south.',
  'Yes.',
  'In 1869 Dmitri Mendeleev published a table of 63 elements, ordered by atomic weight and by their chemical properties; it left gaps for elements that nobody had found yet.',
  'Straße, façade, naïve: letters outside ASCII.',
  'Столица страны находится на реке.',
  '这条河从北向南流过老城。',
  'f(x) = 3·x² − 1, for |x| ≤ 10⁻³ 🙂',
]
