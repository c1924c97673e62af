// Draws the charts of a report. Runs in the browser, with uPlot loaded and the data in the page.
;(() => {
  const place = document.getElementById('charts')
  if (!place) return
  const { times, charts, marks } = JSON.parse(document.getElementById('data').textContent)
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const LOOKS = {
    blue: { stroke: '--blue', width: 1.5 },
    green: { stroke: '--green', width: 1.5 },
    'green-soft': { stroke: '--green-soft', width: 1.5 },
    'blue-bad': { stroke: '--blue', width: 1.5 },
    'green-bad': { stroke: '--bad', width: 1.5 },
    limit: { stroke: '--limit', width: 1, dash: [6, 4] },
  }
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

  const drawMarks = (plot) => {
    const { ctx, bbox } = plot
    ctx.save()
    ctx.font = `${10 * devicePixelRatio}px system-ui`
    ctx.textAlign = 'left'
    const free = [0, 0, 0]
    for (const { time, label, kind } of marks) {
      const x = Math.round(plot.valToPos(time, 'x', true))
      if (x < bbox.left || x > bbox.left + bbox.width) continue
      ctx.strokeStyle = colour(kind === 'trip' ? '--bad' : '--step')
      ctx.lineWidth = devicePixelRatio
      ctx.setLineDash(kind === 'trip' ? [] : [2, 3])
      ctx.beginPath()
      ctx.moveTo(x, bbox.top)
      ctx.lineTo(x, bbox.top + bbox.height)
      ctx.stroke()
      // The first of three rows where the label overlaps none; a crowd goes without.
      const row = free.findIndex((end) => end < x)
      if (row < 0) continue
      ctx.fillStyle = ctx.strokeStyle
      ctx.fillText(label, x + 3, bbox.top + (11 + 12 * row) * devicePixelRatio)
      free[row] = x + ctx.measureText(label).width + 8
    }
    ctx.restore()
  }

  let plots = []
  const draw = () => {
    for (const plot of plots) plot.destroy()
    place.replaceChildren()
    const axis = () => ({
      stroke: colour('--dim'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { stroke: colour('--line'), width: 1 },
    })
    plots = charts.map(({ title, unit, lines }) => {
      const holder = place.appendChild(document.createElement('div'))
      holder.className = 'chart'
      const format = (_, value) => (value == null ? '-' : `${Number(value.toPrecision(4))} ${unit}`)
      return new uPlot(
        {
          title: `${title} (${unit})`,
          width: place.clientWidth,
          height: 220,
          cursor: { sync: { key: 'time' } },
          axes: [axis(), { ...axis(), size: 60 }],
          scales: { y: { range: (_, __, most) => [0, most > 0 ? most * 1.08 : 1] } },
          series: [
            {},
            ...lines.map(({ label, look }) => ({
              ...LOOKS[look],
              label,
              stroke: colour(LOOKS[look].stroke),
              value: format,
              points: { show: false },
              paths:
                title.endsWith('share of green') && look === 'green'
                  ? uPlot.paths.stepped({ align: 1 })
                  : undefined,
            })),
          ],
          hooks: { draw: [drawMarks] },
        },
        [times, ...lines.map(({ values }) => values)],
        holder,
      )
    })
  }
  draw()
  dark.addEventListener('change', draw)
  let width = place.clientWidth
  addEventListener('resize', () => {
    if (place.clientWidth === width) return
    width = place.clientWidth
    draw()
  })
})()
