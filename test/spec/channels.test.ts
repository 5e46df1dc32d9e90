import { expect, it } from 'vitest'
import { architectures } from '../../lib/architectures/index.js'
import { isCausal, PRESETS } from '../../lib/spec/architecture.js'
import { channelsOf, seesLater } from '../../lib/spec/channels.js'
import { clashIn } from '../../lib/spec/declared-names.js'

it.each(architectures.map((a) => [a.name, a] as const))(
  'the channels of the ops of %s fit together, and it is as causal as it says',
  (name, a) => {
    for (const preset of PRESETS) {
      const { node, options } = a.spec({ dim: 768, context: 5 }, a.presets[preset])
      const [trunk, head] = node.of
      expect(channelsOf(name, head, channelsOf(name, trunk, 768))).toBe(768)
      expect(clashIn(node)).toBe(undefined)
      expect(seesLater(trunk!)).toBe(!isCausal(a, options))
    }
  },
)
