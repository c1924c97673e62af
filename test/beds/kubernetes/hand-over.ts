// Starts the bed as if it were somebody's cluster, and prints the variables by which the tests take it
// for one; ends with its standard input:  node test/beds/kubernetes/hand-over.ts > variables
import { join } from 'node:path'
import { shellQuote } from '../../../tools/shell-quote.ts'
import { installStandIn } from '../../standins/install-stand-in.ts'
import { BedCluster } from './cluster.ts'
import { PORTS } from './settings.ts'

const cluster = await BedCluster.start()
const database = await cluster.openDatabase([])
// The plugin is no part of a cluster: here, too, it is the stand-in.
const home = join(cluster.folder, 'pulumi')
installStandIn('kubernetes', home)
const { part, examples, runner } = cluster
const variables = {
  SLUICE_KUBECONFIG: cluster.kubeconfig,
  SLUICE_GATEWAY: `default/${part.gateway}`,
  SLUICE_GATEWAY_ADDRESS: cluster.address,
  SLUICE_GATEWAY_INSIDE: `http://127.0.0.1:${PORTS.gateway}`,
  SLUICE_GATEWAY_METRICS: part.metrics,
  SLUICE_PROMETHEUS: part.prometheus,
  SLUICE_PROMETHEUS_ADDRESS: cluster.prometheus,
  SLUICE_EXAMPLES_IMAGE: examples.image,
  SLUICE_EXAMPLES_FOLDER: examples.folder,
  SLUICE_RUNNER_IMAGE: runner,
  SLUICE_POSTGRES: database.url('postgres'),
  PULUMI_HOME: home,
}
for (const [name, value] of Object.entries(variables)) {
  process.stdout.write(`export ${name}=${shellQuote(value)}\n`)
}
process.stdin.resume()
process.stdin.once('end', async () => {
  await cluster.close()
  await database.close()
  process.exit(0)
})
