import { place } from '../train/runs.js'
import { bankCases } from './cases.js'

bankCases('LanceDB', (table) => `lance:${place('banks')}?table=${table}`)
