// The chart of the ladder: guests per tier, month by month, in the tiers' own colours.
(() => {
  "use strict";
  const css = getComputedStyle(document.documentElement);
  const colour = (name) => css.getPropertyValue(name).trim();

  const draw = (box) => {
    const data = JSON.parse(document.getElementById(box.dataset.chart).textContent);
    const text = { color: colour("--quiet"), fontFamily: css.getPropertyValue("--sans"), fontSize: 14 };
    const chart = echarts.init(box, null, { renderer: "canvas" });
    chart.setOption({
      animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
      aria: { enabled: false },
      textStyle: text,
      grid: { left: 8, right: 12, top: 40, bottom: 4, containLabel: true },
      legend: { top: 0, left: 0, itemWidth: 16, itemHeight: 16, textStyle: text },
      // Rich text: the page's policy allows no styles inside HTML.
      tooltip: { trigger: "axis", renderMode: "richText", textStyle: { fontSize: 14 } },
      xAxis: { type: "category", data: data.months, axisLabel: text, axisTick: { show: false }, axisLine: { lineStyle: { color: colour("--line") } } },
      yAxis: { type: "value", minInterval: 1, axisLabel: text, splitLine: { lineStyle: { color: colour("--line") } } },
      series: data.tiers.map((tier) => ({
        name: tier.name, type: "bar", stack: "guests", data: tier.guests, barMaxWidth: 42,
        itemStyle: { color: colour(tier.code === "UNRATED" ? "--line-strong" : `--tier-${Math.min(tier.rank, 4)}`) },
      })),
    });
    addEventListener("resize", () => chart.resize());
  };

  const drawAll = (root) => root.querySelectorAll("[data-chart]:not([data-drawn])").forEach((box) => {
    box.dataset.drawn = "1";
    draw(box);
  });
  document.addEventListener("htmx:afterSettle", (event) => drawAll(event.target));
  document.addEventListener("DOMContentLoaded", () => drawAll(document));
})();
