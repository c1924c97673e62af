import { seedTable } from './table.ts'

seedTable('hexabuilders')
