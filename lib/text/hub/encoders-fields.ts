import { flag, text } from '../../options.js'

/** Options of `encoders fetch`, besides the name. */
export const encodersFetchFields = {
  revision: text({ default: 'main', about: 'branch, tag or commit of the model', group: 'Fetch' }),
  hub: text({
    default: undefined,
    about: 'address of the hub or of a mirror; LVM_TORCH_HUB or HF_ENDPOINT set it too',
    group: 'Fetch',
  }),
  hash: text({
    default: undefined,
    matches: /^[0-9a-f]{64}$/,
    expected: 'a SHA-256 in hex',
    about: 'hash that it must have: `hash` or `encoder_hash` of encoders list, or `encoder.hash` of a card',
    group: 'Fetch',
  }),
  force: flag({ default: false, about: 'fetch it again when it is in the cache', group: 'Fetch' }),
} as const
