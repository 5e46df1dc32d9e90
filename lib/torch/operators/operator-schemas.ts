import { native } from '../../native.js'

/** Schemas of all operators of libtorch's `aten`, for the script that makes their types. */
export const operatorSchemas = (): string[] => native.operatorSchemas()
