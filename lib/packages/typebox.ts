export { type Static, type TSchema, Type } from 'typebox'
export { Compile } from 'typebox/compile'
