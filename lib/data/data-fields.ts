import { flag, integer, text } from '../options.js'

/** Options that say which columns or arrays of a file to read; they become a part of its path. */
export const columnFields = {
  vectors: text({
    default: undefined,
    about: 'array or column that holds the vectors, where the data has several',
    group: 'Data',
  }),
  articles: text({
    default: undefined,
    about: 'column that holds the article of each row, where its name is not a usual one such as article_id',
    group: 'Data',
  }),
}

/** Options of every command that opens a file of vectors. */
export const dataFields = {
  space: text({
    default: undefined,
    about: 'name of the encoder that made the vectors, when no card beside them has it',
    group: 'Data',
  }),
  normalize: flag({ default: false, about: 'divide every vector by its length', group: 'Data' }),
}

/** Options of `data inspect`. */
export const inspectFields = {
  ...columnFields,
  ...dataFields,
  part: text({
    default: undefined,
    matches: /^(train|val)$/,
    expected: 'train or val',
    about: 'open this half of a file that holds both',
    group: 'Data',
  }),
}

/** Options of `data convert` and `writeBase`. */
export const convertFields = {
  ...columnFields,
  ...dataFields,
  source: text({ default: undefined, about: 'where the texts come from, for the card', group: 'Card' }),
  licence: text({ default: undefined, about: 'licence of the texts, for the card', group: 'Card' }),
  overwrite: flag({ default: false, about: 'replace a file that exists', group: 'Run' }),
}

/** Options of `data shard` and `shardBase`. */
export const shardFields = {
  rowsPerShard: integer({
    default: undefined,
    min: 1,
    about: 'most rows of a shard; an article is never cut, so a longer one is a shard of its own; if omitted, those of 512 MB',
    group: 'Shards',
  }),
  ...convertFields,
  overwrite: flag({ default: false, about: 'replace a folder of shards that exists', group: 'Run' }),
}
