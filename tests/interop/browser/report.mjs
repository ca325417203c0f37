// The pages of `--report html` in a real browser: node report.mjs ROLLPROOF [CHROMIUM [TESTS]]
//
// Every page is opened from a file, at three widths, light, dark and printed. No page may log an error, ask the network,
// be wider than its window, or violate a rule of axe-core.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { tests as ofAudits } from "./audit.mjs";

const rollproof = resolve(process.argv[2] ?? join(import.meta.dirname, "../../../target/debug/rollproof"));
const executablePath = process.argv[3] ?? "/usr/bin/chromium";
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const generator = resolve(import.meta.dirname, "../../../benches/compare/gen_fleet.py");
const WIDTHS = [360, 768, 1440];
/** A page of 100,000 tenants is to open in 2 s; a busy machine of CI gets more. */
const OPENS_WITHIN_MS = process.env.CI ? 6000 : 3000;
const MAX_BYTES = 20 * 1024 * 1024;
const HOSTILE = [
	"<script>alert(1)</script>",
	"</script><script>alert(2)</script>",
	"\"><img src=x onerror=alert(3)>",
	"<!--<script>",
	"&lt;b&gt;&amp;",
	"javascript:alert(4)",
	"'-alert(5)-'",
	"\u202egnp.exe",
	"a\nb\u0000c\u2028d",
	"__proto__",
	"{{7*7}}${7*7}",
];

const folder = mkdtempSync(join(tmpdir(), "rollproof-browser-"));
/** Runs rollproof in a folder; a verdict other than a pass is no failure of the test. */
const judge = (name, args) => {
	const cwd = join(folder, name);
	try {
		execFileSync(rollproof, [...args, "--report", "html=report.html"], { cwd, stdio: ["ignore", "ignore", "pipe"] });
	} catch (error) {
		assert.equal(error.status, 1, `${name}: ${error.stderr}`);
	}
	return join(cwd, "report.html");
};
const generated = (tenants) => {
	execFileSync("python3", [generator, String(tenants), join(folder, String(tenants))]);
	return judge(String(tenants), ["verify", "response.json", "--fleet", "fleet.json", "--plan", "plan.json"]);
};
const rows = (name, slugs, row) => {
	mkdirSync(join(folder, name));
	const results = slugs.map((slug, i) => ({ slug, phase: slug, ssm_status: slug, ...row(i) }));
	writeFileSync(join(folder, name, "fleet.json"), JSON.stringify(slugs));
	writeFileSync(join(folder, name, "response.json"), JSON.stringify({ ok: true, error: slugs[0], results }));
	const body = { target_tag: slugs[0], canary_slug: slugs[1] };
	writeFileSync(join(folder, name, "plan.json"), JSON.stringify({ enabled: true, target_tag: slugs[0], body }));
	return judge(name, ["verify", "response.json", "--fleet", "fleet.json", "--plan", "plan.json", "--show-errors"]);
};
const drilled = () => {
	try {
		execFileSync(rollproof, ["drill", "--keep", join(folder, "drill")], { stdio: ["ignore", "ignore", "ignore"] });
	} catch (error) {
		assert.equal(error.status, 1);
	}
	return judge("drill", ["verify", "document.json"]);
};

const labelled = () => {
	mkdirSync(join(folder, "labelled"));
	const tenants = [...Array(300).keys()].map((i) => ({ slug: `a-tenant-with-a-long-name-${i}`, labels: { tier: i % 3 ? "gold" : "silver", region: `eu-${i % 7}` } }));
	writeFileSync(join(folder, "labelled", "fleet.json"), JSON.stringify(tenants));
	const results = tenants.filter((_, i) => i % 5).map(({ slug }, i) => ({ slug, phase: i % 40 ? `batch-${12 - (i % 12)}` : "canary", verified_on_target: true }));
	writeFileSync(join(folder, "labelled", "response.json"), JSON.stringify({ ok: true, results }));
	return judge("labelled", ["verify", "response.json", "--fleet", "fleet.json"]);
};

const unproven = (i) => ({ running_image: `r:${HOSTILE[i % HOSTILE.length]}`, verified_on_target: false });
const pages = {
	"one tenant": generated(1),
	"41 tenants": generated(41),
	"a drill": drilled(),
	"1,000 tenants": generated(1000),
	"100,000 tenants": generated(100_000),
	"a labelled fleet": labelled(),
	hostile: rows("hostile", HOSTILE, unproven),
	"a large hostile fleet": rows("large", [...Array(30).keys()].flatMap((i) => HOSTILE.map((slug) => slug + i)), unproven),
};

const browser = await chromium.launch({
	executablePath,
	args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync"],
});

/** Opens a page, gives it to `use`, and looks at what it did meanwhile. */
async function visit(file, { width = 1440, colorScheme = "light", media = "screen" }, use) {
	const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
	const page = await context.newPage();
	const wrong = [];
	page.on("console", (message) => wrong.push(`${message.type()}: ${message.text()}`));
	page.on("pageerror", (error) => wrong.push(String(error)));
	page.on("dialog", (dialog) => { wrong.push(`dialog ${dialog.message()}`); dialog.dismiss(); });
	page.on("request", (request) => { if (!request.url().startsWith("file:")) wrong.push(`request ${request.url()}`); });
	await page.emulateMedia({ media, colorScheme });
	const begun = Date.now();
	await page.goto(pathToFileURL(file).href);
	await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
	const took = Date.now() - begun;
	await use(page, took);
	assert.deepEqual(wrong, [], file);
	await context.close();
}

/** On a telephone every table is whole or says that it scrolls, its last column can be reached, and names stay whole. */
async function narrow(page, name) {
	await page.evaluate(() => { for (const details of document.querySelectorAll("details")) details.open = true; });
	await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
	const found = await page.evaluate(() => [...document.querySelectorAll(".scroll")].map((scroll) => {
		const hint = scroll.previousElementSibling;
		const wide = scroll.scrollWidth > scroll.clientWidth;
		scroll.scrollLeft = scroll.scrollWidth;
		const last = scroll.querySelector("thead th:last-child").getBoundingClientRect();
		return { label: scroll.ariaLabel, wide, said: hint.checkVisibility() && hint.innerText.includes("sideways"), reached: last.right <= innerWidth + 1 };
	}));
	assert.ok(found.length > 1, name);
	for (const { label, wide, said, reached } of found) {
		assert.equal(said, wide, `${name}: ${label} is ${wide ? "" : "not "}wider than the window`);
		assert.ok(reached, `${name}: the last column of ${label} cannot be reached`);
	}
	assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 400, name);
	const broken = await page.evaluate(() => [...document.querySelectorAll("code, .whole, .tile .name")]
		.filter((one) => one.textContent.length < 26 && !/\s/.test(one.textContent) && one.checkVisibility() && !one.closest(".sr"))
		.filter((one) => one.offsetHeight > 1.9 * parseFloat(getComputedStyle(one).fontSize) * 1.5)
		.map((one) => one.textContent));
	assert.deepEqual(broken, [], `${name}: names that are broken`);
	const ligatures = await page.evaluate(() => [...new Set([...document.querySelectorAll("code, .tile .name, .tip")].map((one) => getComputedStyle(one).fontVariantLigatures))]);
	assert.deepEqual(ligatures.filter((value) => value !== "none"), [], name);
}

async function accessible(page, name) {
	// The page's policy forbids scripts that it does not name; the debugger's own world is not bound by it.
	await page.evaluate(axe);
	const { violations, passes } = await page.evaluate(() => globalThis.axe.run(document, {
		runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
	}));
	const told = violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
	assert.deepEqual(told, [], name);
	assert.ok(passes.length > 20, "axe-core has looked");
}

const tests = {
	async "every page at every width, light, dark and printed, is accessible and fits"() {
		for (const [name, file] of Object.entries(pages)) {
			for (const width of WIDTHS) {
				for (const look of [{ colorScheme: "light" }, { colorScheme: "dark" }, { media: "print" }]) {
					await visit(file, { width, ...look }, async (page) => {
						// No paper is as narrow as a telephone.
						if (look.media === "print" && width === 360) return;
						const wide = await page.evaluate(() => document.documentElement.scrollWidth);
						assert.ok(wide <= width, `${name} is ${wide} pixels wide in a window of ${width}`);
						// A print is looked at with a screen's rules only where a reader can reach it.
						if (look.media !== "print" && (width !== 768 || name === "a drill")) {
							await accessible(page, `${name} ${width} ${look.colorScheme}`);
						}
					});
				}
			}
		}
	},

	async "at 400 pixels every table can be read and names stay whole"() {
		for (const name of ["41 tenants", "a drill", "a labelled fleet", "1,000 tenants"]) {
			await visit(pages[name], { width: 400 }, (page) => narrow(page, name));
		}
	},

	async "labels are searched and counted by"() {
		await visit(pages["a labelled fleet"], {}, async (page) => {
			await page.getByLabel("Search").fill("tier=gold eu-3");
			const rows = await page.locator("#table tbody tr").allInnerTexts();
			assert.ok(rows.length > 1);
			for (const row of rows) assert.match(row, /region=eu-3, tier=gold/);
			await page.getByText("The fleet by the label region").click();
			assert.equal(await page.getByRole("region", { name: "The fleet by the label region" }).locator("tbody tr").count(), 7);
			await page.getByText("The fleet by phase").click();
			const phases = await page.getByRole("region", { name: "The fleet by phase" }).locator("tbody th").allInnerTexts();
			assert.deepEqual(phases.slice(0, 4), ["canary", "batch-1", "batch-2", "batch-3"]);
			assert.match(await page.locator(".legend").innerText(), /at the right edge/);
		});
	},

	async "100,000 tenants open at once, in a file that can be sent"() {
		assert.ok(statSync(pages["100,000 tenants"]).size < MAX_BYTES);
		await visit(pages["100,000 tenants"], {}, async (page, took) => {
			console.log(`  opened in ${took} ms, ${statSync(pages["100,000 tenants"]).size} bytes`);
			assert.ok(took < OPENS_WITHIN_MS, `it took ${took} ms`);
			const painted = await page.locator("canvas").evaluate((canvas) => {
				const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
				const seen = new Set();
				for (let i = 0; i < data.length; i += 4) seen.add(data.slice(i, i + 4).join());
				return seen.size;
			});
			assert.ok(painted >= 5, `the picture has ${painted} colours`);
		});
	},

	async "the table is searched, sorted and paged"() {
		await visit(pages["100,000 tenants"], {}, async (page) => {
			const first = () => page.locator("#table tbody tr").first().innerText();
			const status = page.locator("#found");
			const behind = await page.evaluate(() => JSON.parse(document.getElementById("data").textContent).stragglers.length);
			assert.equal(await status.innerText(), `${behind} stragglers`);
			assert.equal(await page.locator("#table tbody tr").count(), 50);
			assert.match(await first(), /tenant-0000005/);
			await page.getByRole("button", { name: "Next page" }).click();
			assert.match(await page.locator("#page").innerText(), /^Page 2 of /);
			assert.doesNotMatch(await first(), /tenant-0000005/);

			await page.getByLabel("Search").fill("UNREACHED 0000");
			assert.match(await status.innerText(), new RegExp(`^\\d+ of ${behind} stragglers$`));
			for (const row of await page.locator("#table tbody tr").allInnerTexts()) assert.match(row, /unreached/);
			await page.getByLabel("Search").fill("nobody is called so");
			assert.equal(await status.innerText(), `0 of ${behind} stragglers`);
			await page.getByLabel("Search").fill("");

			const head = page.getByRole("columnheader", { name: "Tenant" });
			assert.equal(await head.getAttribute("aria-sort"), "ascending");
			const top = await first();
			await head.getByRole("button").click();
			assert.equal(await head.getAttribute("aria-sort"), "descending");
			assert.notEqual(await first(), top);
			await page.getByRole("columnheader", { name: "State" }).getByRole("button").click();
			assert.equal(await head.getAttribute("aria-sort"), null);
			assert.match(await first(), /off_target/);
		});
	},

	async "a keyboard reaches every tenant, and every control shows where it is"() {
		await visit(pages["1,000 tenants"], {}, async (page) => {
			await page.keyboard.press("Tab");
			assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the fleet");
			const reached = new Set();
			for (let i = 0; i < 60; i++) {
				const at = await page.evaluate(() => {
					const now = document.activeElement;
					const { outlineStyle } = getComputedStyle(now);
					return { name: now.id || now.textContent || now.tagName, ringed: outlineStyle !== "none" || now === document.body };
				});
				assert.ok(at.ringed, `nothing shows that ${at.name} has the focus`);
				reached.add(at.name);
				await page.keyboard.press("Tab");
			}
			for (const name of ["cells", "next", "previous", "search", "Tenant", "State"]) assert.ok(reached.has(name), name);

			await page.locator("#cells").focus();
			const told = () => page.evaluate(() => {
				const option = document.getElementById(document.getElementById("cells").getAttribute("aria-activedescendant"));
				return `${option.textContent} (${option.ariaPosInSet} of ${option.ariaSetSize})`;
			});
			await page.keyboard.press("Home");
			assert.equal(await told(), "tenant-0000000, verified, batch-1 (1 of 1000)");
			for (let i = 0; i < 5; i++) await page.keyboard.press("ArrowRight");
			// Who has no row, and so no phase, comes last.
			assert.match(await told(), /^tenant-0000006, verified, batch-1 \(6 of 1000\)$/);
			await page.keyboard.press("End");
			assert.match(await told(), /^tenant-\d+, unreached, skipped: .* \(1000 of 1000\)$/);
			await page.keyboard.press("ArrowRight");
			assert.match(await told(), /\(1000 of 1000\)$/);

			await page.getByRole("button", { name: "Next not proven" }).press("Enter");
			const [, next] = /^(tenant-\d+), (?:unreached|off_target|errored)/.exec(await page.locator("#map-said").innerText());
			await page.locator("#cells").focus();
			await page.keyboard.press("Enter");
			assert.equal(await page.evaluate(() => document.activeElement.id), "search");
			assert.equal(await page.locator("#table tbody tr").count(), 1);
			assert.ok((await page.locator("#table tbody tr").innerText()).includes(next));
		});
	},

	async "evidence is only ever text"() {
		for (const name of ["hostile", "a large hostile fleet"]) {
			await visit(pages[name], {}, async (page) => {
				const found = await page.evaluate(() => ({
					scripts: document.scripts.length,
					strange: document.querySelectorAll("img, iframe, object, embed, form, base, link, [onerror], [onload], [style]:not(canvas)").length,
					links: [...document.links].filter((link) => !link.getAttribute("href").startsWith("#")).length,
				}));
				assert.deepEqual(found, { scripts: 2, strange: 0, links: 0 }, name);
				await page.getByLabel("Search").fill("<script>alert(1)</script>");
				assert.match(await page.locator("#table tbody").innerText(), /<script>alert\(1\)<\/script>/);
				await page.getByLabel("Search").fill("gnp.exe");
				assert.match(await page.locator("#table tbody").innerText(), /\\u\{202e\}gnp\.exe/);
			});
		}
	},

	async "the page's policy stops what does not belong to it"() {
		const file = join(folder, "injected.html");
		const page = readFileSync(pages.hostile, "utf8");
		writeFileSync(file, page.replace("<main", "<script>document.title = 'run'</script><img src=https://example.com/x><main"));
		const context = await browser.newContext();
		const opened = await context.newPage();
		const refused = [];
		opened.on("requestfailed", (request) => refused.push(`${request.url()} ${request.failure().errorText}`));
		await opened.goto(pathToFileURL(file).href);
		assert.notEqual(await opened.title(), "run");
		assert.deepEqual(refused, ["https://example.com/x csp"]);
		await context.close();
	},

	async "without a script the verdict, the findings and the first stragglers are there"() {
		const context = await browser.newContext({ javaScriptEnabled: false });
		const page = await context.newPage();
		await page.goto(pathToFileURL(pages["1,000 tenants"]).href);
		for (const text of ["FAIL", "tenant-0000005 unreached", "coverage.incomplete", "3 stragglers were tolerated, not 0", "needs JavaScript"]) {
			assert.ok((await page.locator("body").innerText()).includes(text), text);
		}
		assert.equal(await page.locator("#table tbody tr").count(), 3);
		await context.close();
	},

	async "a page that is printed is light and whole"() {
		await visit(pages["1,000 tenants"], { colorScheme: "dark", media: "print" }, async (page) => {
			assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
			assert.equal(await page.locator("nav").isVisible(), false);
			const pdf = await page.pdf();
			assert.ok(pdf.length > 10_000);
		});
	},
};

Object.assign(tests, ofAudits({
	rollproof, folder, hostile: HOSTILE, widths: WIDTHS, opensWithin: OPENS_WITHIN_MS, maxBytes: MAX_BYTES, visit, accessible, narrow,
}));
const wanted = process.argv[4] ?? "";

let failed = 0;
for (const [name, test] of Object.entries(tests).filter(([name]) => name.includes(wanted))) {
	try {
		await test();
		console.log(`ok  ${name}`);
	} catch (error) {
		failed += 1;
		console.log(`FAILED  ${name}\n${error.stack}`);
	}
}
await browser.close();
rmSync(folder, { recursive: true });
process.exitCode = failed ? 1 : 0;
