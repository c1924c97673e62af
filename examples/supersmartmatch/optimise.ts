import { ask, command, must } from '../command.ts'

// "python optimize_v2_configuration.py --production": V2 is told to run optimised.

await command(async () => {
  const url = process.argv.slice(2).find((word) => word.startsWith('http'))
  must(url !== undefined, 'give the address of V2')
  must(process.argv.includes('--production'), 'give --production')
  await ask(`${url}/admin/config`, 'PUT', { optimised: true })
  return 'V2 runs optimised'
})
