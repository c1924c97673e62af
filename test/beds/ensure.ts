// The real programs of the beds, before the first test needs one: what is built for minutes is shown,
// and is no test's own time.
import { ensureMoto } from './aws/moto.ts'
import { bedPrograms } from './kubernetes/programs.ts'

const say = (line: string) => process.stdout.write(`  ${line}\n`)

await ensureMoto(say)
// A cluster that is given has its own.
if (!process.env['SLUICE_KUBECONFIG']) await bedPrograms(say)
