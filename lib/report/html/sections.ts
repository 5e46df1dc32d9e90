import type { Report } from '../document.js'
import type { Figures } from '../figures/all.js'
import type { Html } from './html.js'

/** A part of the page about one evaluation document. */
export interface Section {
  readonly id: string
  readonly title: string
  readonly content: Html
}

/** The parts of the page about retrieval, comparison, audit and the rest, where their documents are there. */
export const evaluationSections = (_report: Report, _figures: Figures): Section[] => []

/** What the evaluation documents say of one run. */
export const runExtras = (_report: Report, _run: string, _figures: Figures): Html[] => []
