import papaparse from 'papaparse'

export const { parse, Parser } = papaparse
