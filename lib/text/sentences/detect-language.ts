import { eld } from '../../packages/eld.js'

/** Characters that are looked at; more do not change the answer for texts in one language. */
const LOOKED_AT = 4096

/** Detects the language of a text; undefined for a text without words. Source: n-grams of the Efficient Language Detector. */
export function detectLanguage(text: string): string | undefined {
  const { language } = eld.detect(text.slice(0, LOOKED_AT))
  return language === '' ? undefined : language
}
