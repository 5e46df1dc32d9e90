import type { Base } from './base.js'

/** The card of a base that is written again, with what options say about its texts; undefined when nothing is known. */
export function cardOf(
  base: Pick<Base, 'card' | 'space'>,
  { source, licence }: { readonly source: string | undefined; readonly licence: string | undefined },
): Readonly<Record<string, unknown>> | undefined {
  const { encoder, ...own } = base.card ?? {}
  const facts = {
    ...own,
    ...(base.space !== undefined && { space: base.space }),
    ...(source && { source }),
    ...(licence && { licence }),
    ...(encoder !== undefined && { encoder }),
  }
  return Object.keys(facts).length === 0 ? undefined : facts
}
